"""Intervals of the area under the ROC curve, and of a difference of two areas, over templates.

Templates are resampled as a whole (Field & Welsh 2007). The bootstrap's standard error enters a
Student-t interval with k − 1 degrees of freedom, k being the templates of the rarer class. The interval
of an area is made on the logit scale, on which it is nearly symmetric (Qin & Hotilovac 2008). With 8
templates a class a percentile interval lies wholly above the true area in up to 20 % of simulations, at
a nominal 2.5 %; this one does in at most 4 %.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from assay.statistics.roc import auroc, wins

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

LEAST_TEMPLATES = 4
"""Templates that each class must have; with fewer an interval is undetermined."""


def auroc_interval(
    positives: ArrayLike,
    negatives: ArrayLike,
    generator: np.random.Generator,
    *,
    clusters: tuple[ArrayLike, ArrayLike] | None = None,
    resamples: int = 500,
) -> tuple[float, float] | None:
    """95 % interval over resampled conversations, or over whole clusters of them.

    ``clusters`` gives the template of each positive and of each negative; conversations of one
    template are drawn as a whole, because they are not independent. None, which means undetermined,
    where a class has fewer than ``LEAST_TEMPLATES`` clusters, or where the scores do not vary. Where
    positives and negatives are separated perfectly, the bootstrap has no spread: the inner end is
    then at a distance of 1 − .05^(1/k), k the number of clusters of the rarer class.
    """
    from scipy.special import expit, logit

    of = _cluster_of(len(np.asarray(positives)), len(np.asarray(negatives)), clusters)
    rarer = _rarer(of)
    if rarer < LEAST_TEMPLATES:
        return None
    area = auroc(positives, negatives)
    error = _spread(_areas(positives, negatives, of, _draws(of, generator, resamples)))
    if error == 0:
        reach = _reach(rarer)
        return {0.0: (0.0, reach), 1.0: (1 - reach, 1.0)}.get(area)
    half_a_pair = 0.5 / (len(of[0]) * len(of[1]))
    inside = float(np.clip(area, half_a_pair, 1 - half_a_pair))
    half = _t(rarer) * error / (inside * (1 - inside))
    return float(expit(logit(inside) - half)), float(expit(logit(inside) + half))


def auroc_difference_interval(
    first: tuple[NDArray, NDArray],
    second: tuple[NDArray, NDArray],
    generator: np.random.Generator,
    clusters: tuple[ArrayLike, ArrayLike] | None,
    resamples: int = 200,
) -> tuple[float, float] | None:
    """95 % interval of a difference of AUROCs on the same conversations, over clusters.

    None, which means undetermined, where a class has fewer than ``LEAST_TEMPLATES`` clusters. Where
    no resample changes the difference, the interval reaches 1 − .05^(1/k) to both sides.
    """
    of = _cluster_of(len(first[0]), len(first[1]), clusters)
    rarer = _rarer(of)
    if rarer < LEAST_TEMPLATES:
        return None
    drawn = _draws(of, generator, resamples)
    error = _spread(_areas(*first, of, drawn) - _areas(*second, of, drawn))
    half = _t(rarer) * error if error > 0 else _reach(rarer)
    difference = auroc(*first) - auroc(*second)
    return difference - half, difference + half


def _cluster_of(
    positives: int, negatives: int, clusters: tuple[ArrayLike, ArrayLike] | None
) -> tuple[NDArray, NDArray]:
    """Index of the cluster of each positive and of each negative; each its own without clusters."""
    if clusters is None:
        own = np.arange(positives + negatives)
    else:
        names = np.concatenate([np.asarray(clusters[0], str), np.asarray(clusters[1], str)])
        _, own = np.unique(names, return_inverse=True)
    return own[:positives], own[positives:]


def _rarer(of: tuple[NDArray, NDArray]) -> int:
    """Number of clusters of the class that has fewer."""
    return min(len(np.unique(side)) for side in of)


def _draws(of: tuple[NDArray, NDArray], generator: np.random.Generator, resamples: int) -> NDArray:
    """How often each resample draws each cluster, [resamples, clusters]: with replacement."""
    count = int(np.concatenate(of).max(initial=-1)) + 1
    chosen = generator.integers(0, count, (resamples, count))
    drawn = np.zeros((resamples, count))
    np.add.at(drawn, (np.arange(resamples)[:, None], chosen), 1.0)
    return drawn


def _areas(
    positives: ArrayLike, negatives: ArrayLike, of: tuple[NDArray, NDArray], drawn: NDArray
) -> NDArray:
    """The AUROC of every resample; NaN where a class was not drawn.

    Wins are summed once for each pair of clusters; a resample then only weights those sums.
    """
    clusters = np.arange(drawn.shape[1])
    has_positive, has_negative = of[0][:, None] == clusters, of[1][:, None] == clusters
    won = (
        has_positive.T.astype(np.float64)
        @ wins(positives, negatives)
        @ has_negative.astype(np.float64)
    )
    pairs = (drawn @ has_positive.sum(axis=0)) * (drawn @ has_negative.sum(axis=0))
    with np.errstate(invalid="ignore"):
        return np.asarray(((drawn @ won) * drawn).sum(axis=1) / pairs)


def _spread(draws: NDArray) -> float:
    """Standard deviation of the finite draws; what is only rounding is 0."""
    finite = draws[np.isfinite(draws)]
    spread = float(finite.std(ddof=1)) if len(finite) > 1 else 0.0
    return spread if spread > 1e-12 else 0.0


def _t(clusters: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(clusters - 1, 0.975))


def _reach(clusters: int) -> float:
    return float(1 - 0.05 ** (1 / clusters))
