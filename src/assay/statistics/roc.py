"""The ROC curve, the area under it, and DeLong's test of a difference between two areas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def auroc(positives: ArrayLike, negatives: ArrayLike) -> float:
    """P(a positive's score exceeds a negative's), where a tie counts half.

    ``positives[n]`` and ``negatives[k]`` are scores. NaN where either is empty.

    >>> auroc([3, 2, 2], [2, 1])
    0.8333333333333334
    """
    from scipy.stats import rankdata

    above, below = np.asarray(positives, np.float64), np.asarray(negatives, np.float64)
    if len(above) == 0 or len(below) == 0:
        return float("nan")
    ranks = rankdata(np.concatenate([above, below]))[: len(above)]
    return float((ranks.sum() - len(above) * (len(above) + 1) / 2) / (len(above) * len(below)))


def auroc_columns(
    positives: ArrayLike, negatives: ArrayLike, columns_at_once: int = 512
) -> NDArray:
    """``auroc`` of every column of ``positives[n, features]`` and ``negatives[k, features]``.

    Returns float64 [features].
    """
    from scipy.stats import rankdata

    above, below = np.asarray(positives), np.asarray(negatives)
    n, k = len(above), len(below)
    areas = np.empty(above.shape[1])
    for start in range(0, above.shape[1], columns_at_once):
        some = slice(start, start + columns_at_once)
        ranks = rankdata(np.concatenate([above[:, some], below[:, some]]), axis=0)[:n]
        areas[some] = (ranks.sum(axis=0) - n * (n + 1) / 2) / (n * k)
    return areas


def delong_difference(
    first: tuple[ArrayLike, ArrayLike], second: tuple[ArrayLike, ArrayLike]
) -> tuple[float, float]:
    """Difference of two AUROCs on the same conversations and its two-sided p (DeLong et al. 1988).

    Each argument is (positives' scores, negatives' scores), in the same order of conversations, which
    are taken as independent: too small a p where they share templates.
    Identical scores have difference 0 and p 1.
    """
    from scipy.stats import norm

    placements = [_placements(*pair) for pair in (first, second)]
    difference = float(placements[0][0].mean() - placements[1][0].mean())
    variance = 0.0
    for side in (0, 1):
        gap = placements[0][side] - placements[1][side]
        if len(gap) > 1:
            variance += float(gap.var(ddof=1)) / len(gap)
    if variance == 0:
        return difference, 1.0 if difference == 0 else 0.0
    return difference, float(2 * norm.sf(abs(difference) / np.sqrt(variance)))


def _placements(positives: ArrayLike, negatives: ArrayLike) -> tuple[NDArray, NDArray]:
    """Share of negatives below each positive, and share of positives above each negative."""
    won = wins(positives, negatives)
    return won.mean(axis=1), won.mean(axis=0)


def wins(positives: ArrayLike, negatives: ArrayLike) -> NDArray:
    """Whether each positive exceeds each negative, ties half, [positives, negatives]."""
    above, below = np.asarray(positives, np.float64), np.asarray(negatives, np.float64)
    return np.asarray((above[:, None] > below[None]) + 0.5 * (above[:, None] == below[None]))


def roc_curve(positives: ArrayLike, negatives: ArrayLike) -> tuple[NDArray, NDArray]:
    """(false-positive rate, true-positive rate) at every threshold, from (0, 0) to (1, 1)."""
    above, below = np.asarray(positives, np.float64), np.asarray(negatives, np.float64)
    thresholds = np.unique(np.concatenate([above, below]))[::-1]
    false = (below[None] >= thresholds[:, None]).mean(axis=1)
    true = (above[None] >= thresholds[:, None]).mean(axis=1)
    return np.concatenate([[0.0], false]), np.concatenate([[0.0], true])


def partial_auroc(positives: ArrayLike, negatives: ArrayLike, most: float) -> float:
    """The mean true-positive rate over false-positive rates from 0 to ``most``, ties counted half.

    The area under that part of the ROC curve over ``most`` (McClish 1989): 1 for a perfect detector,
    ``most`` / 2 for a guess. It is the share of positives above each of the highest ``most`` of the
    negatives, on average. NaN where either class is empty.

    >>> partial_auroc([3, 2], [1, 0], 0.1)
    1.0
    """
    above, below = np.asarray(positives, np.float64), np.asarray(negatives, np.float64)
    return float(partial_auroc_columns(above[:, None], below[:, None], most)[0])


def partial_auroc_columns(positives: ArrayLike, negatives: ArrayLike, most: float) -> NDArray:
    """``partial_auroc`` of every column of ``positives[n, draws]`` and ``negatives[k, draws]``.

    Returns float64 [draws].
    """
    above, below = np.asarray(positives, np.float64), np.asarray(negatives, np.float64)
    n, k = len(above), len(below)
    areas = np.full(above.shape[1], np.nan)
    if n == 0 or k == 0:
        return areas
    share = most * k
    count = int(np.ceil(share))
    weights = np.ones(count)
    weights[-1] = share - (count - 1)
    highest = -np.sort(-below, axis=0)[:count]
    ordered = np.sort(above, axis=0)
    for column in range(above.shape[1]):
        own, rivals = ordered[:, column], highest[:, column]
        left = n - np.searchsorted(own, rivals, side="left")
        right = n - np.searchsorted(own, rivals, side="right")
        areas[column] = (weights * (left + right) / 2).sum() / (n * share)
    return areas
