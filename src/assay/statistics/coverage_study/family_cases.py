"""Family-wise type I error of the max-T permutation test over features."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from assay.statistics.approximate import HEAVY_TAILS, NORMAL, TEMPLATES_SHARED
from assay.statistics.coverage_study.clustered_draws import cluster_names, cluster_scores
from assay.statistics.coverage_study.coverage_case import CoverageCase
from assay.statistics.coverage_study.mean_cases import centred_values
from assay.statistics.permutation_contrasts import max_t

if TYPE_CHECKING:
    from jaxtyping import Bool
    from numpy.typing import NDArray

FEATURES = 30
"""Features of which none differs between the groups."""
PERMUTATIONS = 99
"""At which a p of .05 is exact."""


def _independent(
    simulations: int, generator: np.random.Generator, *, each: int, distribution: str
) -> Bool[NDArray, " simulations"]:
    labels = np.repeat([True, False], each)
    values = centred_values(generator, (simulations, 2 * each, FEATURES), distribution)
    found = [max_t(x, labels, generator, permutations=PERMUTATIONS) for x in values]
    return np.array([result.p.min() > 0.05 for result in found])


def _templates(
    simulations: int, generator: np.random.Generator, *, templates: int, each: int, icc: float
) -> Bool[NDArray, " simulations"]:
    """Each template has one label, as when positives and negatives are written apart."""
    labels = np.repeat([True, False], templates * each)
    blocks = cluster_names(2 * templates, each)
    kept = []
    for _ in range(simulations):
        x = cluster_scores(generator, (FEATURES, 2 * templates), each=each, icc=icc).T
        found = max_t(x, labels, generator, blocks=blocks, permutations=PERMUTATIONS)
        kept.append(found.p.min() > 0.05)
    return np.array(kept)


FAMILY_CASES = (
    *(
        CoverageCase(
            "max_t",
            distribution,
            f"{FEATURES} features, {each} conversations a group",
            partial(_independent, each=each, distribution=distribution),
            share=0.5,
        )
        for each in (15, 60)
        for distribution in (NORMAL, HEAVY_TAILS)
    ),
    *(
        CoverageCase(
            "max_t",
            TEMPLATES_SHARED,
            f"{FEATURES} features, {templates} templates a group × 4, ICC {icc}",
            partial(_templates, templates=templates, each=4, icc=icc),
            share=0.5,
        )
        for templates in (8, 32)
        for icc in (0.36, 0.6)
    ),
)
"""No feature differs: how often any is found at p ≤ .05."""
