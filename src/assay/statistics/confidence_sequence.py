"""Confidence sequence of a rate: intervals that hold at all looks simultaneously."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import NDArray

HALVINGS = 110
"""Bisection steps for each end of the interval; more than the precision of float64 needs."""


def beta_mixture_sequence(
    successes: NDArray | int,
    n: NDArray | int,
    alpha: float = 0.05,
    prior: tuple[float, float] = (0.5, 0.5),
) -> tuple[Float[NDArray, ...], Float[NDArray, ...]]:
    """Confidence sequence of a Bernoulli rate: low and high ends, broadcast over the counts.

    The interval holds all rates p whose mixture martingale B(a + k, b + n − k) / (B(a, b) p^k (1 −
    p)^{n − k}) stays below 1/alpha. Over a whole stream, the probability that the true rate is ever
    outside is at most ``alpha`` (Robbins 1970; Howard et al. 2021, "Time-uniform, nonparametric,
    nonasymptotic confidence sequences"). ``prior`` is (a, b). Raises ValueError for impossible
    counts.
    """
    from scipy.special import betaln, xlog1py, xlogy

    k, total = np.broadcast_arrays(
        np.asarray(successes, dtype=np.float64), np.asarray(n, dtype=np.float64)
    )
    if (k < 0).any() or (k > total).any() or not 0 < alpha < 1:
        raise ValueError(f"impossible counts, or an alpha outside (0, 1): {alpha}")
    a, b = prior
    limit = betaln(a + k, b + total - k) - betaln(a, b) + np.log(alpha)

    def outside(p: NDArray) -> NDArray:
        return np.asarray(limit >= xlogy(k, p) + xlog1py(total - k, -p))

    def end(outer: NDArray, inner: NDArray) -> NDArray:
        """Bisect for the last rate outside the interval, so that the interval is never too small."""
        for _ in range(HALVINGS):
            middle = (outer + inner) / 2
            beyond = outside(middle)
            outer, inner = np.where(beyond, middle, outer), np.where(beyond, inner, middle)
        return outer

    likeliest = np.divide(k, total, out=np.full(k.shape, 0.5), where=total > 0)
    low = np.where(k == 0, 0.0, end(np.zeros(k.shape), likeliest))
    high = np.where(k == total, 1.0, end(np.ones(k.shape), likeliest))
    return low, high
