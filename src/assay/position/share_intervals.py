"""Intervals of a share of variance from its values with each group of documents left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

EDGE = 0.02
"""c in the scale log((s + c)/(1 − s + c)), on which the half-width is laid off. With a smaller c the
upper end of a share near 0 grows without need; with a larger one intervals miss a share whose
largest documents were not drawn (both simulated, see ``coverage_cases``)."""


def leave_one_out_spread(
    leave_one_out: ArrayLike,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(standard error, degrees of freedom) of a statistic from its values with each group left out.

    ``leave_one_out[groups, ...]``. Standard error of the delete-a-group jackknife; values that are
    not finite are left out. The degrees of freedom are (Σ d²)²/Σ d⁴, d the deviations: about a
    third of the groups where all count alike, 1 where one group of documents makes all the
    difference. With fewer than two groups the error is infinite.
    """
    values = np.asarray(leave_one_out, dtype=np.float64)
    finite = np.isfinite(values)
    used = finite.sum(axis=0)
    mean = np.where(finite, values, 0.0).sum(axis=0) / np.maximum(used, 1)
    squares = np.square(np.where(finite, values - mean, 0.0))
    total, fourth = squares.sum(axis=0), np.square(squares).sum(axis=0)
    most = np.maximum(used - 1, 1)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        degrees = np.clip(np.where(fourth > 0, total**2 / fourth, most), 1, most)
        error = np.sqrt(total * (used - 1) / np.maximum(used, 1))
    return np.where(used >= 2, error, np.inf), degrees


def half_width(
    error: ArrayLike, degrees: ArrayLike, confidence: float = 0.95
) -> NDArray[np.float64]:
    """Half-width of the Student-t interval."""
    from scipy.stats import t as student

    return np.asarray(error * student.ppf((1 + confidence) / 2, degrees))


def linear_interval(
    leave_one_out: ArrayLike, estimate: ArrayLike, confidence: float = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(low, high) of a statistic of any scale: estimate ± half-width."""
    error, degrees = leave_one_out_spread(leave_one_out)
    half = half_width(error, degrees, confidence)
    centre = np.asarray(estimate, dtype=np.float64)
    return centre - half, centre + half


def share_interval(
    estimate: NDArray[np.float64], half: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(low, high) of shares in [0, 1], from half-widths ``half`` on their own scale.

    The half-width is carried over to the scale log((s + EDGE)/(1 − s + EDGE)), where the error of a
    share hardly depends on its size, and the ends are carried back. Estimates may lie outside of
    [0, 1]; both ends lie within [−EDGE, 1 + EDGE], and the interval holds the estimate. An infinite
    half-width gives an infinite interval.
    """
    middle = np.clip(estimate, -EDGE / 2, 1 + EDGE / 2)
    slope = 1 / (middle + EDGE) + 1 / (1 - middle + EDGE)
    with np.errstate(over="ignore", invalid="ignore"):
        low = from_log_odds(log_odds(middle) - half * slope)
        high = from_log_odds(log_odds(middle) + half * slope)
    unknown = np.isinf(half)
    return (
        np.where(unknown, -np.inf, np.minimum(low, estimate)),
        np.where(unknown, np.inf, np.maximum(high, estimate)),
    )


def log_odds(share: ArrayLike) -> NDArray[np.float64]:
    """log((s + EDGE)/(1 − s + EDGE))."""
    s = np.asarray(share, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.log((s + EDGE) / (1 - s + EDGE)))


def from_log_odds(value: ArrayLike) -> NDArray[np.float64]:
    """The share with these log odds: the inverse of ``log_odds``."""
    with np.errstate(over="ignore"):
        return np.asarray((1 + 2 * EDGE) / (1 + np.exp(-np.asarray(value))) - EDGE)
