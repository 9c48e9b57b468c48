"""Simulated outcomes and scores that share templates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from assay.statistics.clusters import EffectiveSample, effective_sample

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from numpy.typing import NDArray


def cluster_names(clusters: int, each: int, prefix: str = "t") -> NDArray:
    """The template of each outcome, [clusters · each]."""
    return np.repeat([f"{prefix}{i}" for i in range(clusters)], each)


def equal_clusters(clusters: int, each: int, icc: float) -> EffectiveSample:
    """The effective sample of templates of equal size."""
    return effective_sample(cluster_names(clusters, each).tolist(), icc)


def cluster_successes(
    generator: np.random.Generator,
    shape: tuple[int, ...],
    *,
    each: int,
    rate: float,
    icc: float,
) -> Int[NDArray, "*shape"]:
    """Successes of ``each`` outcomes of every template; template rates are beta with ``icc``."""
    if icc == 0:
        return generator.binomial(each, rate, shape)
    spread = (1 - icc) / icc
    return generator.binomial(each, generator.beta(rate * spread, (1 - rate) * spread, shape))


def cluster_scores(
    generator: np.random.Generator, shape: tuple[int, ...], *, each: int, icc: float
) -> Float[NDArray, "*shape outcomes"]:
    """Standard normal scores, [..., clusters · each], of which a share ``icc`` is the template's."""
    own = generator.normal(size=(*shape, each))
    shared = generator.normal(size=(*shape, 1))
    scores = np.sqrt(icc) * shared + np.sqrt(1 - icc) * own
    return scores.reshape(*shape[:-1], shape[-1] * each)
