"""Intervals of a mean from a few values: Student's t, and exact sign flips."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from assay.randomness import numpy_generator

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import ArrayLike, NDArray

ALL_FLIPS_UP_TO = 12
"""Up to so many values all 2ⁿ flips are used, and from there on a subgroup of 2¹² of them."""


def t_interval(values: ArrayLike, confidence: float = 0.95) -> tuple[float, float]:
    """Student-t interval of the mean of ``values[n]``: x̄ ± t_{n−1} s/√n.

    Exact for normal values; too narrow for few values of a skewed distribution. (−∞, ∞) for fewer
    than two values.

    >>> low, high = t_interval([1.0, 2.0, 3.0])
    >>> print(f"{low:.3f} {high:.3f}")
    -0.484 4.484
    """
    from scipy.special import stdtrit

    x = np.asarray(values, dtype=np.float64)
    n = len(x)
    if n < 2:
        return float("-inf"), float("inf")
    half = float(stdtrit(n - 1, (1 + confidence) / 2) * x.std(ddof=1) / np.sqrt(n))
    mean = float(x.mean())
    return mean - half, mean + half


def sign_flip_p(values: ArrayLike, centre: float = 0.0) -> float:
    """Two-sided p of "the values are symmetric about ``centre``", by flipping their signs.

    Exact at every n, however heavy the tails (Fisher 1935). It cannot fall below 2^(1−n): with
    fewer than 6 values it never reaches .05. The identity is one of the flips. 1 without values.
    """
    d = np.asarray(values, dtype=np.float64) - centre
    if len(d) == 0:
        return 1.0
    sums = _flips(len(d)) @ d
    # Σ s·d ≥ Σ d exactly where the flipped values sum to at most 0; rounding counts as a tie.
    slack = 1e-12 * float(np.abs(d).sum())
    one_sided = min(float((sums <= slack).mean()), float((sums >= -slack).mean()))
    return min(1.0, 2 * one_sided)


def sign_flip_interval(values: ArrayLike, confidence: float = 0.95) -> tuple[float, float]:
    """The centres that the sign-flip test does not reject at 1 − ``confidence``.

    Its ends are order statistics of the means of the flipped subsets (Hartigan 1969, "Using subsample
    values as typical values"). (−∞, ∞) where n is too small to reject anything: below 6 values at
    95 %.
    """
    x = np.asarray(values, dtype=np.float64)
    if len(x) == 0:
        return float("-inf"), float("inf")
    flips = _flips(len(x))
    # The empty subset, the identity, stands in the first row.
    means = np.sort((flips[1:] @ x) / flips[1:].sum(axis=1))
    # One-sided p at μ is (1 + number of subset means on one side of μ) / (number of flips).
    outside = int(np.floor((1 - confidence) / 2 * len(flips) + 1e-9)) - 1
    if outside < 0:
        return float("-inf"), float("inf")
    return float(means[outside]), float(means[len(means) - 1 - outside])


@lru_cache(maxsize=16)
def _flips(n: int) -> Float[NDArray, "flips n"]:
    """Which values each flip turns, 0 or 1; the first row is the identity.

    For many values a random subgroup of all flips: the test is exact over any subgroup (Hemerik &
    Goeman 2018, "Exact testing with random permutations").
    """
    basis = np.eye(n, dtype=np.int64)
    if n > ALL_FLIPS_UP_TO:
        generator = numpy_generator(0, f"statistics/sign_flips/{n}")
        basis = generator.integers(0, 2, (ALL_FLIPS_UP_TO, n))
        basis[:, :ALL_FLIPS_UP_TO] = np.eye(ALL_FLIPS_UP_TO, dtype=np.int64)
    rank = len(basis)
    combined = (np.arange(2**rank)[:, None] >> np.arange(rank)) & 1
    return ((combined @ basis) % 2).astype(np.float64)
