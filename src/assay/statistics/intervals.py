"""Exact binomial intervals and bounds (Clopper & Pearson 1934)."""

from __future__ import annotations

import math


def clopper_pearson(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Exact two-sided interval of a proportion: each tail holds (1 − confidence)/2.

    With n = 0 the interval is (0, 1). Raises ValueError for impossible counts.

    >>> low, high = clopper_pearson(18, 20)
    >>> print(f"{low:.3f} {high:.3f}")
    0.683 0.988
    """
    from scipy.special import betaincinv

    _check_counts(successes, n)
    if n == 0:
        return 0.0, 1.0
    tail = (1 - confidence) / 2
    low = 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, tail))
    high = 1.0 if successes == n else float(betaincinv(successes + 1, n - successes, 1 - tail))
    return low, high


def proportion_upper_bound(successes: int, n: int, confidence: float = 0.95) -> float:
    """One-sided upper bound of a proportion, BetaInv(confidence; k + 1, n − k).

    For k = 0 this is 1 − (1 − confidence)^(1/n), about 3/n at 95 %. Raises ValueError for impossible
    counts.

    >>> round(proportion_upper_bound(0, 299), 5)
    0.00997
    """
    from scipy.special import betaincinv

    _check_counts(successes, n)
    if successes == n:
        return 1.0
    return float(betaincinv(successes + 1, n - successes, confidence))


def proportion_lower_bound(successes: int, n: int, confidence: float = 0.95) -> float:
    """One-sided lower bound of a proportion; (1 − confidence)^(1/n) where all n are successes.

    Raises ValueError for impossible counts.

    >>> round(proportion_lower_bound(6, 6), 3)
    0.607
    """
    return 1 - proportion_upper_bound(n - successes, n, confidence)


def least_n_for_rate(rate: float, delta: float, allowed: int = 0) -> int:
    """Smallest n with P(Binomial(n, rate) ≤ allowed) ≤ delta.

    If at most ``allowed`` of n benign conversations score above a threshold, then the rate of benign
    conversations above it is below ``rate`` at confidence 1 − delta. Raises ValueError where
    ``rate`` or ``delta`` does not lie strictly between 0 and 1.

    >>> least_n_for_rate(0.01, 0.05), least_n_for_rate(0.01, 0.05, allowed=1)
    (299, 473)
    """
    from scipy.stats import binom

    if not (0 < rate < 1 and 0 < delta < 1):
        raise ValueError(
            f"rate and delta must lie strictly between 0 and 1, not {rate} and {delta}"
        )
    if allowed == 0:
        return math.ceil(math.log(delta) / math.log1p(-rate))
    low, high = allowed, 2 * allowed + 2
    while binom.cdf(allowed, high, rate) > delta:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if binom.cdf(allowed, middle, rate) > delta:
            low = middle
        else:
            high = middle
    return high


def _check_counts(successes: int, n: int) -> None:
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n} are impossible")
