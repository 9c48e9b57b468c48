"""Thresholds with a guaranteed false-positive rate, from benign conversations kept for calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from assay.errors import AssayError
from assay.results import Figures
from assay.statistics import (
    exceedances_allowed,
    least_n_for_rate,
    proportion_upper_bound,
    tolerance_threshold,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Bool, Float
    from numpy.typing import NDArray

STRATA = 3
"""Number of groups of conversations by length, of about equal size."""


class LengthStratum(Figures):
    """Firings of benign conversations of similar length, for information and without a guarantee."""

    shortest: int
    """Smallest number of watched tokens of a conversation in the stratum."""
    longest: int
    """Largest number of watched tokens of a conversation in the stratum."""
    n: int = Field(ge=1)
    """Number of conversations in the stratum."""
    above: int = Field(ge=0)
    """Number of these that fire."""
    rate_bound: float = Field(ge=0, le=1)
    """Upper bound of the stratum's false-positive rate at confidence 1 − delta."""


class Calibration(Figures):
    """The threshold, and the bound of the false-positive rate with its confidence."""

    threshold: float | None
    """A conversation fires when its score is above this; None for a rule, which has its own limits."""
    n: int = Field(ge=1)
    """Number of benign conversations in the calibration."""
    allowed: int = Field(ge=0)
    """Number of firings among them that the guarantee allows; fixed by n, budget and delta."""
    above: int = Field(ge=0)
    """Number of firings among them; at most ``allowed``, and fewer where scores tie."""
    budget: float = Field(gt=0, lt=1)
    """φ, the false-positive rate that the case allows, per conversation."""
    rate_bound: float = Field(gt=0, le=1)
    """Upper bound of the false-positive rate at confidence 1 − delta, at most the budget: the bound for
    ``allowed`` firings where the threshold was chosen on these scores, for ``above`` firings where a
    rule decides."""
    delta: float = Field(gt=0, lt=1)
    """Probability, over the draw of the benign conversations, that the bound does not hold."""
    strata: tuple[LengthStratum, ...] = ()
    """Firings by length of the conversation; empty where no lengths were given."""


def calibrate_threshold(
    scores: Float[NDArray, " conversations"],
    budget: float,
    delta: float,
    lengths: Sequence[int] | None = None,
) -> Calibration:
    """The lowest threshold that new benign conversations exceed at a rate of at most ``budget``.

    It is the (r + 1)-th largest score, where r is the largest number with P(Binomial(n, budget) ≤ r) ≤
    delta. Conversations fire strictly above it, so ties only make it more cautious. The guarantee
    holds at confidence 1 − ``delta`` where future conversations are exchangeable with these.
    ``lengths`` are the conversations' numbers of watched tokens, for the strata.
    Raises AssayError for scores that are not finite, and for too few conversations, saying how many
    are needed.
    """
    values = np.asarray(scores, dtype=np.float64)
    _check_rates(budget, delta)
    if not np.isfinite(values).all():
        raise AssayError(
            f"the score of benign conversation {int(np.flatnonzero(~np.isfinite(values))[0])} is "
            "not finite; a threshold needs finite scores"
        )
    n = len(values)
    if n == 0:
        raise _too_few(n, budget, delta)
    found = tolerance_threshold(values, budget, delta)
    if found.allowed is None or found.rate_bound is None:
        raise _too_few(n, budget, delta)
    fires = values > found.threshold
    return Calibration(
        threshold=found.threshold,
        n=n,
        allowed=found.allowed,
        above=int(fires.sum()),
        budget=budget,
        rate_bound=found.rate_bound,
        delta=delta,
        strata=length_strata(fires, lengths, delta),
    )


def calibrate_rule(
    fires: Bool[NDArray, " conversations"],
    budget: float,
    delta: float,
    lengths: Sequence[int] | None = None,
) -> Calibration:
    """The bound of a rule's false-positive rate; the rule must not have been chosen on these firings.

    Raises AssayError, saying how many conversations would be enough, where there are too few or the
    bound exceeds the budget.
    """
    fired = np.asarray(fires, dtype=bool)
    _check_rates(budget, delta)
    n, above = len(fired), int(fired.sum())
    allowed = exceedances_allowed(n, budget, delta)
    if allowed is None:
        raise _too_few(n, budget, delta)
    bound = proportion_upper_bound(above, n, 1 - delta)
    if above > allowed:
        raise AssayError(
            f"the rule fires in {above} of {n} benign conversations: its rate may be {bound:.3g}, "
            f"above the budget {budget:g} (at confidence {1 - delta:g}); make it stricter, or give "
            f"{least_n_for_rate(budget, delta, above)} conversations with no more firings"
        )
    return Calibration(
        threshold=None,
        n=n,
        allowed=allowed,
        above=above,
        budget=budget,
        rate_bound=bound,
        delta=delta,
        strata=length_strata(fired, lengths, delta),
    )


def length_strata(
    fires: Bool[NDArray, " conversations"], lengths: Sequence[int] | None, delta: float
) -> tuple[LengthStratum, ...]:
    """The firings in each third of the lengths; ties in length may leave fewer strata."""
    if lengths is None:
        return ()
    tokens = np.asarray(lengths)
    edges = np.quantile(tokens, np.arange(1, STRATA) / STRATA, method="lower")
    stratum = np.searchsorted(edges, tokens, side="left")
    found = []
    for i in np.unique(stratum):
        inside = stratum == i
        n, above = int(inside.sum()), int(fires[inside].sum())
        found.append(
            LengthStratum(
                shortest=int(tokens[inside].min()),
                longest=int(tokens[inside].max()),
                n=n,
                above=above,
                rate_bound=proportion_upper_bound(above, n, 1 - delta),
            )
        )
    return tuple(found)


def _check_rates(budget: float, delta: float) -> None:
    for name, value in (("budget", budget), ("delta", delta)):
        if not 0 < value < 1:
            raise AssayError(f"the {name} is {value}; it must lie strictly between 0 and 1")


def _too_few(n: int, budget: float, delta: float) -> AssayError:
    return AssayError(
        f"{n} benign conversations are too few for a false-positive rate of {budget:g} at "
        f"confidence {1 - delta:g}: {least_n_for_rate(budget, delta)} are needed (give more with "
        "--benign, or raise the budget)"
    )
