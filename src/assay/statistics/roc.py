"""The ROC curve, the area under it with intervals, and tests of differences between areas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from assay.statistics.bootstrap import percentile_interval

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


def auroc_difference_interval(
    first: tuple[NDArray, NDArray],
    second: tuple[NDArray, NDArray],
    generator: np.random.Generator,
    clusters: tuple[ArrayLike, ArrayLike],
    resamples: int = 200,
) -> tuple[float, float]:
    """95 % percentile interval of the difference of two AUROCs on the same conversations.

    ``first`` and ``second`` are (positives' scores, negatives' scores) in the same order; whole
    clusters are resampled, given as in ``auroc_interval``.
    """
    of = _cluster_of(len(first[0]), len(first[1]), clusters)
    drawn = _draws(of, generator, resamples)
    return percentile_interval(_areas(*first, of, drawn) - _areas(*second, of, drawn))


def _cluster_of(
    positives: int, negatives: int, clusters: tuple[ArrayLike, ArrayLike] | None
) -> tuple[NDArray, NDArray]:
    """Cluster index of each positive and each negative; without clusters each has its own."""
    if clusters is None:
        own = np.arange(positives + negatives)
    else:
        names = np.concatenate([np.asarray(clusters[0], str), np.asarray(clusters[1], str)])
        _, own = np.unique(names, return_inverse=True)
    return own[:positives], own[positives:]


def _draws(of: tuple[NDArray, NDArray], generator: np.random.Generator, resamples: int) -> NDArray:
    """How often each resample draws each cluster, with replacement, [resamples, clusters]."""
    count = int(np.concatenate(of).max(initial=-1)) + 1
    drawn = np.zeros((resamples, count))
    if count:
        chosen = generator.integers(0, count, (resamples, count))
        np.add.at(drawn, (np.arange(resamples)[:, None], chosen), 1.0)
    return drawn


def _areas(
    positives: ArrayLike, negatives: ArrayLike, of: tuple[NDArray, NDArray], drawn: NDArray
) -> NDArray:
    """The AUROC of every resample; NaN where a resample has no positive or no negative.

    Wins are summed once for each pair of clusters; a resample only weights these sums.
    """
    clusters = np.arange(drawn.shape[1])
    has_positive, has_negative = of[0][:, None] == clusters, of[1][:, None] == clusters
    won = (
        has_positive.T.astype(np.float64)
        @ _wins(positives, negatives)
        @ has_negative.astype(np.float64)
    )
    pairs = (drawn @ has_positive.sum(axis=0)) * (drawn @ has_negative.sum(axis=0))
    with np.errstate(invalid="ignore"):
        return np.asarray(((drawn @ won) * drawn).sum(axis=1) / pairs)


def auroc_interval(
    positives: ArrayLike,
    negatives: ArrayLike,
    generator: np.random.Generator,
    *,
    clusters: tuple[ArrayLike, ArrayLike] | None = None,
    resamples: int = 500,
) -> tuple[float, float]:
    """95 % percentile interval over resampled conversations, or over whole clusters of them.

    ``clusters`` gives the template of each positive and of each negative; the conversations of a
    template are drawn together, because they are not independent. Where all draws give an area of 0
    or all give 1 (perfect separation), the bootstrap has no spread; the interval then reaches
    1 − .05^(1/m) inwards, where m is the number of clusters of the rarer class.
    """
    of = _cluster_of(len(np.asarray(positives)), len(np.asarray(negatives)), clusters)
    areas = _areas(positives, negatives, of, _draws(of, generator, resamples))
    low, high = percentile_interval(areas)
    if low == high and low in (0.0, 1.0):
        rarer = min(len(np.unique(side)) for side in of)
        reach = 1 - 0.05 ** (1 / max(1, rarer))
        return (low - reach, high) if low == 1.0 else (low, high + reach)
    return low, high


def delong_difference(
    first: tuple[ArrayLike, ArrayLike], second: tuple[ArrayLike, ArrayLike]
) -> tuple[float, float]:
    """Difference of two AUROCs on the same conversations and its two-sided p (DeLong et al. 1988).

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
    wins = _wins(positives, negatives)
    return wins.mean(axis=1), wins.mean(axis=0)


def _wins(positives: ArrayLike, negatives: ArrayLike) -> NDArray:
    """1 where a positive exceeds a negative, .5 for a tie, else 0; [positives, negatives]."""
    above, below = np.asarray(positives, np.float64), np.asarray(negatives, np.float64)
    return np.asarray((above[:, None] > below[None]) + 0.5 * (above[:, None] == below[None]))


def roc_curve(positives: ArrayLike, negatives: ArrayLike) -> tuple[NDArray, NDArray]:
    """(false-positive rate, true-positive rate) at every threshold, from (0, 0) to (1, 1)."""
    above, below = np.asarray(positives, np.float64), np.asarray(negatives, np.float64)
    thresholds = np.unique(np.concatenate([above, below]))[::-1]
    false = (below[None] >= thresholds[:, None]).mean(axis=1)
    true = (above[None] >= thresholds[:, None]).mean(axis=1)
    return np.concatenate([[0.0], false]), np.concatenate([[0.0], true])
