"""How many benign scores may lie above a threshold with a guaranteed rate of exceedance."""

from __future__ import annotations


def exceedances_allowed(n: int, rate: float, delta: float) -> int | None:
    """The largest r with P(Binomial(n, rate) ≤ r) ≤ delta; None where not even r = 0 fulfils it.

    A new score then exceeds the (r + 1)-th largest of n independent scores with probability at most
    ``rate``, at confidence 1 − ``delta`` over the n scores: a one-sided tolerance limit (Wilks
    1941), the inversion of the Clopper–Pearson bound. Raises ValueError for impossible numbers.

    >>> exceedances_allowed(299, 0.01, 0.05), exceedances_allowed(298, 0.01, 0.05)
    (0, None)
    """
    from scipy.stats import binom

    if n < 0:
        raise ValueError(f"n must be a number of scores, not {n}")
    if not (0 < rate < 1 and 0 < delta < 1):
        raise ValueError(
            f"rate and delta must lie strictly between 0 and 1, not {rate} and {delta}"
        )
    allowed = int(binom.ppf(delta, n, rate)) + 1
    while allowed >= 0 and binom.cdf(allowed, n, rate) > delta:
        allowed -= 1
    return allowed if allowed >= 0 else None
