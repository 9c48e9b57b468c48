"""The threshold that benign conversations rarely exceed: a one-sided tolerance limit (Wilks 1941)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from assay.errors import AssayError
from assay.statistics.clusters import EffectiveSample, as_sample, effective_upper_bound
from assay.statistics.exceedances import exceedances_allowed
from assay.statistics.intervals import least_n_for_rate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@dataclass(frozen=True)
class ToleranceThreshold:
    """A threshold on benign scores, and the guarantee on new benign scores above it."""

    threshold: float
    """A conversation fires when its score is greater; in the unit of the scores."""
    n: int
    """Number of benign conversations whose scores set the threshold."""
    allowed: int | None
    """Largest number r with P(Binomial(n, budget) ≤ r) ≤ delta, on the effective sample where
    conversations share templates; None where n is too small for any guarantee, and the threshold is
    then the largest score."""
    rate_bound: float | None
    """Upper bound, at confidence 1 − delta, of the rate at which new benign conversations exceed the
    threshold; at most the budget. None without a guarantee."""
    budget: float
    """Rate of benign conversations above the threshold that is acceptable, φ."""
    delta: float
    """Probability, over the draw of the benign conversations, that the bound does not hold."""

    @property
    def guaranteed(self) -> bool:
        """Whether the rate of new benign conversations above the threshold is bounded."""
        return self.allowed is not None

    @property
    def needed(self) -> int:
        """Smallest (effective) number of benign conversations that allows a guarantee."""
        return least_n_for_rate(self.budget, self.delta)


def tolerance_threshold(
    scores: ArrayLike, budget: float, delta: float, sample: EffectiveSample | None = None
) -> ToleranceThreshold:
    """The lowest threshold that new benign conversations exceed at a rate of at most ``budget``.

    ``scores[n]`` are scores of benign conversations that served no other choice. The threshold is the
    (r + 1)-th largest score, where r is the largest number with P(Binomial(n, budget) ≤ r) ≤
    delta. The guarantee holds with probability 1 − ``delta`` over the draw of these conversations,
    as long as the conversations to come are exchangeable with them. A conversation fires strictly
    above the threshold, so that tied scores only make it more cautious. Where conversations share
    templates or sources, ``sample`` is their effective sample, and r follows from its bound.
    Raises AssayError where there is no score or one is not finite, and ValueError where ``budget``
    or ``delta`` does not lie strictly between 0 and 1, or ``sample`` is of another size.

    >>> found = tolerance_threshold(range(1000), budget=0.01, delta=0.05)
    >>> found.threshold, found.allowed, found.guaranteed
    (995.0, 4, True)
    """
    values = np.asarray(scores, dtype=np.float64)
    n = len(values)
    if n == 0:
        raise AssayError("a threshold needs the score of at least one benign conversation")
    if not np.isfinite(values).all():
        first = int(np.flatnonzero(~np.isfinite(values))[0])
        raise AssayError(
            f"the score of benign conversation {first} is not finite; a threshold needs finite scores"
        )
    if sample is not None and sample.n != n:
        raise ValueError(f"the effective sample is of {sample.n} scores, not of {n}")
    counted = as_sample(n) if sample is None else sample
    allowed = exceedances_allowed(n if sample is None else sample, budget, delta)
    bound = None if allowed is None else effective_upper_bound(allowed, counted, 1 - delta)
    return ToleranceThreshold(
        threshold=float(np.sort(values)[::-1][allowed or 0]),
        n=n,
        allowed=allowed,
        rate_bound=bound,
        budget=budget,
        delta=delta,
    )
