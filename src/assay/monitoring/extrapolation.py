"""Thresholds for false-positive rates below 1/n, extrapolated from the tail without a guarantee."""

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
    """A threshold beyond the observed scores: an extrapolation without a guarantee."""

    rate: float
    """The requested false-positive rate, per conversation."""
    threshold: float
    """The score that benign conversations exceed at this rate, if the fit holds."""
    tail: TailFit
    """The fit, with its QQ points."""
    label: str = "extrapolation"
    """The name under which it must be shown."""


def extrapolate_threshold(
    scores: Float[NDArray, " conversations"], rate: float, share: float = 0.1
) -> Extrapolation:
    """Fit the tail of benign scores (peaks over threshold) and extrapolate a threshold for ``rate``.

    ``share`` is the share of scores that are fitted.

    Raises AssayError for too few scores in the tail, and for a rate above the tail's.
    """
    try:
        tail = fit_tail(scores, share)
        return Extrapolation(rate, tail.threshold(rate), tail)
    except ValueError as error:
        raise AssayError(f"no threshold can be extrapolated: {error}") from error
