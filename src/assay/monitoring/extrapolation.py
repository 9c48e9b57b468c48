"""Below 1/n nothing is guaranteed: what the tail of the scores suggests, labelled as such."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.errors import AssayError
from assay.statistics import TailFit, fit_tail

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Extrapolation:
    """A threshold beyond the scores that were seen. An extrapolation, never a guarantee."""

    rate: float
    """The rate of benign firings that was asked for, a conversation."""
    threshold: float
    """The score that benign conversations exceed at that rate if the tail goes on as it was fitted."""
    tail: TailFit
    """The fit, with its QQ points."""
    label: str = "extrapolation"
    """What it is to be called wherever it is shown."""


def extrapolate_threshold(
    scores: Float[NDArray, " conversations"], rate: float, share: float = 0.1
) -> Extrapolation:
    """Fit the tail of benign scores (peaks over threshold) and read a threshold off it.

    Raises AssayError where too few scores lie in the tail, or where the rate is not in the tail.
    """
    try:
        tail = fit_tail(scores, share)
        return Extrapolation(rate, tail.threshold(rate), tail)
    except ValueError as error:
        raise AssayError(f"no threshold can be extrapolated: {error}") from error
