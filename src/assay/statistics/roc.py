"""Area under the ROC curve with its interval, and what is caught at a fixed false-positive rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from assay.statistics.bootstrap import cluster_bootstrap

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def auroc(positives: ArrayLike, negatives: ArrayLike) -> float:
    """P(a positive's score exceeds a negative's), ties half; NaN where one side is empty."""
    from scipy.stats import rankdata

    above, below = np.asarray(positives, np.float64), np.asarray(negatives, np.float64)
    if len(above) == 0 or len(below) == 0:
        return float("nan")
    ranks = rankdata(np.concatenate([above, below]))[: len(above)]
    return float((ranks.sum() - len(above) * (len(above) + 1) / 2) / (len(above) * len(below)))


def auroc_columns(
    positives: ArrayLike, negatives: ArrayLike, columns_at_once: int = 512
) -> NDArray:
    """``auroc`` of every column of ``positives[n, features]`` and ``negatives[k, features]``."""
    from scipy.stats import rankdata

    above, below = np.asarray(positives), np.asarray(negatives)
    n, k = len(above), len(below)
    areas = np.empty(above.shape[1])
    for start in range(0, above.shape[1], columns_at_once):
        some = slice(start, start + columns_at_once)
        ranks = rankdata(np.concatenate([above[:, some], below[:, some]]), axis=0)[:n]
        areas[some] = (ranks.sum(axis=0) - n * (n + 1) / 2) / (n * k)
    return areas


def auroc_difference_interval(
    first: tuple[NDArray, NDArray],
    second: tuple[NDArray, NDArray],
    generator: np.random.Generator,
    clusters: tuple[ArrayLike, ArrayLike],
    resamples: int = 200,
) -> tuple[float, float]:
    """95 % percentile interval of a difference of AUROCs on the same conversations, over clusters."""
    is_positive, members = _clustered(len(first[0]), len(first[1]), clusters)
    scores = np.concatenate(first), np.concatenate(second)

    def difference(drawn: NDArray) -> float:
        rows = np.concatenate([members[i] for i in drawn])
        sides = is_positive[rows]
        areas = [auroc(score[rows][sides], score[rows][~sides]) for score in scores]
        return areas[0] - areas[1]

    return cluster_bootstrap(difference, len(members), generator, resamples=resamples)


def _clustered(
    positives: int, negatives: int, clusters: tuple[ArrayLike, ArrayLike] | None
) -> tuple[NDArray, list[NDArray]]:
    """Which rows of positives followed by negatives are positive, and the rows of each cluster."""
    is_positive = np.arange(positives + negatives) < positives
    if clusters is None:
        return is_positive, [np.array([i]) for i in range(len(is_positive))]
    names = np.concatenate([np.asarray(clusters[0], str), np.asarray(clusters[1], str)])
    _, inverse = np.unique(names, return_inverse=True)
    return is_positive, [np.flatnonzero(inverse == c) for c in range(inverse.max() + 1)]


def auroc_interval(
    positives: ArrayLike,
    negatives: ArrayLike,
    generator: np.random.Generator,
    *,
    clusters: tuple[ArrayLike, ArrayLike] | None = None,
    resamples: int = 500,
) -> tuple[float, float]:
    """95 % percentile interval over resampled conversations, or over whole clusters of them.

    ``clusters`` gives each positive's and each negative's template; conversations of one template
    are drawn together, because they are not independent. Where every draw gives the same value (a
    perfect separation, say) the bootstrap knows nothing: the end that could move is then set by
    .05^(1/m), m the number of clusters of the rarer class.
    """
    above, below = np.asarray(positives, np.float64), np.asarray(negatives, np.float64)
    scores = np.concatenate([above, below])
    is_positive, members = _clustered(len(above), len(below), clusters)

    def area(drawn: NDArray) -> float:
        rows = np.concatenate([members[i] for i in drawn])
        return auroc(scores[rows][is_positive[rows]], scores[rows][~is_positive[rows]])

    low, high = cluster_bootstrap(area, len(members), generator, resamples=resamples)
    if low == high and low in (0.0, 1.0):
        rarer = min(
            sum(bool(is_positive[m].any()) for m in members),
            sum(bool((~is_positive[m]).any()) for m in members),
        )
        reach = 1 - 0.05 ** (1 / max(1, rarer))
        return (low - reach, high) if low == 1.0 else (low, high + reach)
    return low, high


def delong_difference(
    first: tuple[ArrayLike, ArrayLike], second: tuple[ArrayLike, ArrayLike]
) -> tuple[float, float]:
    """Difference of two AUROCs on the same conversations, and its two-sided p (DeLong et al. 1988).

    Each argument is (positives' scores, negatives' scores), in the same order of conversations.
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
    above, below = np.asarray(positives, np.float64), np.asarray(negatives, np.float64)
    wins = (above[:, None] > below[None]) + 0.5 * (above[:, None] == below[None])
    return wins.mean(axis=1), wins.mean(axis=0)


def roc_curve(positives: ArrayLike, negatives: ArrayLike) -> tuple[NDArray, NDArray]:
    """(false-positive rate, true-positive rate) at every threshold, from (0, 0) to (1, 1)."""
    above, below = np.asarray(positives, np.float64), np.asarray(negatives, np.float64)
    thresholds = np.unique(np.concatenate([above, below]))[::-1]
    false = (below[None] >= thresholds[:, None]).mean(axis=1)
    true = (above[None] >= thresholds[:, None]).mean(axis=1)
    return np.concatenate([[0.0], false]), np.concatenate([[0.0], true])
