"""How many benign scores may lie above a threshold with a guaranteed rate of exceedance."""

from __future__ import annotations

from assay.statistics.clusters import EffectiveSample, effective_upper_bound


def exceedances_allowed(n: int | EffectiveSample, rate: float, delta: float) -> int | None:
    """The largest r with P(Binomial(n, rate) ≤ r) ≤ delta, or None where even r = 0 is too many.

    The (r + 1)-th largest of n independent scores is then exceeded by a new one with probability at
    most ``rate``, at confidence 1 − ``delta`` over the n scores: a one-sided tolerance limit (Wilks
    1941), the inversion of the Clopper–Pearson bound. Scores that share templates come as an
    ``EffectiveSample``: r is then the largest whose bound on the effective sample is at most ``rate``.
    Raises ValueError for impossible numbers.

    >>> exceedances_allowed(299, 0.01, 0.05), exceedances_allowed(298, 0.01, 0.05)
    (0, None)
    """
    from scipy.stats import binom

    size = n.n if isinstance(n, EffectiveSample) else n
    if size < 0:
        raise ValueError(f"n is a number of scores, not {size}")
    if not (0 < rate < 1 and 0 < delta < 1):
        raise ValueError(f"rate and delta lie strictly between 0 and 1, not {rate} and {delta}")
    if isinstance(n, EffectiveSample):
        return _allowed_of_clusters(n, rate, delta)
    allowed = int(binom.ppf(delta, n, rate)) + 1
    while allowed >= 0 and binom.cdf(allowed, n, rate) > delta:
        allowed -= 1
    return allowed if allowed >= 0 else None


def _allowed_of_clusters(sample: EffectiveSample, rate: float, delta: float) -> int | None:
    low, high = -1, sample.n
    while high - low > 1:
        middle = (low + high) // 2
        if effective_upper_bound(middle, sample, 1 - delta) <= rate:
            low = middle
        else:
            high = middle
    return low if low >= 0 else None
