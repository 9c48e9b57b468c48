"""Delete-a-group jackknife: intervals for a statistic of grouped data (Shao & Tu 1995, 2.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def assign_groups(units: ArrayLike, groups: int, generator: np.random.Generator) -> NDArray:
    """Assign the distinct units (documents) at random to groups of about equal size.

    Returns int64 [entries], the group of each entry of ``units``; entries of the same unit share a
    group. With fewer units than groups, each unit has its own group.
    """
    distinct, inverse = np.unique(np.asarray(units), return_inverse=True)
    group_of_unit = np.arange(len(distinct)) % min(groups, len(distinct))
    return generator.permutation(group_of_unit)[inverse].astype(np.int64)


def jackknife_interval(
    leave_one_out: ArrayLike, estimate: ArrayLike, confidence: float = 0.95
) -> tuple[NDArray, NDArray]:
    """Student-t interval of a statistic from its values with each group left out.

    ``leave_one_out[groups, ...]`` is the statistic without each group, ``estimate[...]`` on all
    data. Returns the low and the high end, each [...]. Variance (G − 1)/G · Σ (θ₍g₎ − θ̄)²; t with
    G − 1 degrees of freedom. Groups whose value is not finite are left out of the variance. With
    fewer than two groups the interval is infinite.
    """
    from scipy.stats import t as student

    values = np.asarray(leave_one_out, dtype=np.float64)
    centre = np.asarray(estimate, dtype=np.float64)
    finite = np.isfinite(values)
    used = finite.sum(axis=0)
    count = np.maximum(used, 1)
    mean = np.where(finite, values, 0.0).sum(axis=0) / count
    squares = np.where(finite, values - mean, 0.0) ** 2
    error = np.sqrt(squares.sum(axis=0) * (used - 1) / count)
    half_width = np.where(
        used >= 2, student.ppf((1 + confidence) / 2, np.maximum(used - 1, 1)) * error, np.inf
    )
    return centre - half_width, centre + half_width


def jackknife_ratio(
    numerators: ArrayLike, denominators: ArrayLike, confidence: float = 0.95
) -> tuple[float, float, float]:
    """Estimate and interval of Σ numerators / Σ denominators over independent units.

    ``numerators[units]`` and ``denominators[units]`` are the sums within each unit (document). Returns
    (estimate, low, high). Raises ValueError where the denominators sum to zero.

    >>> [round(x, 2) for x in jackknife_ratio([1, 2, 3, 4], [2, 4, 4, 10])]
    [0.5, 0.18, 0.82]
    """
    top = np.asarray(numerators, dtype=np.float64)
    bottom = np.asarray(denominators, dtype=np.float64)
    if bottom.sum() == 0:
        raise ValueError("the denominators sum to zero: the ratio is undefined")
    estimate = top.sum() / bottom.sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        leave_one_out = (top.sum() - top) / (bottom.sum() - bottom)
    low, high = jackknife_interval(leave_one_out, estimate, confidence)
    return float(estimate), float(low), float(high)
