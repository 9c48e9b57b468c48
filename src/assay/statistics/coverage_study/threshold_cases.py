"""Whether the benign threshold keeps its rate: the tolerance limit, for one draw of its scores."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from assay.statistics.approximate import INDEPENDENT, TEMPLATES_SHARED
from assay.statistics.clusters import EffectiveSample
from assay.statistics.coverage_study.clustered_draws import cluster_scores, equal_clusters
from assay.statistics.coverage_study.coverage_case import CoverageCase
from assay.statistics.tolerance import tolerance_threshold

if TYPE_CHECKING:
    from jaxtyping import Bool
    from numpy.typing import NDArray


def _threshold_holds(
    simulations: int,
    generator: np.random.Generator,
    *,
    clusters: int,
    each: int,
    icc: float,
    budget: float,
    sample: EffectiveSample | None,
) -> Bool[NDArray, " simulations"]:
    """Scores are standard normal, so the rate above a threshold is known."""
    from scipy.stats import norm

    kept = []
    for _ in range(simulations):
        scores = cluster_scores(generator, (clusters,), each=each, icc=icc)
        found = tolerance_threshold(scores, budget, 0.05, sample)
        kept.append(norm.sf(found.threshold) <= budget)
    return np.array(kept)


THRESHOLD_CASES = (
    *(
        CoverageCase(
            "tolerance_threshold",
            INDEPENDENT,
            f"{n} conversations, budget 0.01",
            partial(_threshold_holds, clusters=n, each=1, icc=0.0, budget=0.01, sample=None),
        )
        for n in (299, 473, 1600, 5000)
    ),
    *(
        CoverageCase(
            "tolerance_threshold (effective sample)",
            TEMPLATES_SHARED,
            f"{clusters} sources × {each}, ICC {icc}, budget {budget}",
            partial(
                _threshold_holds,
                clusters=clusters,
                each=each,
                icc=icc,
                budget=budget,
                sample=equal_clusters(clusters, each, max(icc, 0.1)),
            ),
        )
        for clusters, each, budget in ((400, 4, 0.01), (64, 16, 0.05))
        for icc in (0.0, 0.1, 0.36, 0.6)
    ),
    *(
        CoverageCase(
            "tolerance_threshold",
            TEMPLATES_SHARED,
            f"25 templates × 12, ICC {icc}, budget 0.01",
            partial(_threshold_holds, clusters=25, each=12, icc=icc, budget=0.01, sample=None),
        )
        for icc in (0.36, 0.6)
    ),
)
"""Independent conversations, and conversations that share sources."""
