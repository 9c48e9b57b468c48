"""Coverage of intervals of the area under the ROC curve, and of tests of a difference."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from assay.statistics.approximate import INDEPENDENT, TEMPLATES_SHARED
from assay.statistics.auroc_intervals import auroc_difference_interval, auroc_interval
from assay.statistics.coverage_study.clustered_draws import cluster_names, cluster_scores
from assay.statistics.coverage_study.coverage_case import CoverageCase
from assay.statistics.roc import delong_difference

if TYPE_CHECKING:
    from jaxtyping import Bool
    from numpy.typing import NDArray

EACH = 4
"""Conversations of each template."""
RESAMPLES = 200
"""As the transfer matrix makes them."""


def _two_classes(
    generator: np.random.Generator, *, templates: int, each: int, icc: float, shift: float
) -> tuple[NDArray, NDArray]:
    positives = shift + cluster_scores(generator, (templates,), each=each, icc=icc)
    return positives, cluster_scores(generator, (templates,), each=each, icc=icc)


def _area(
    simulations: int,
    generator: np.random.Generator,
    *,
    templates: int,
    each: int,
    icc: float,
    shift: float,
) -> Bool[NDArray, " simulations"]:
    from scipy.stats import norm

    truth = float(norm.cdf(shift / np.sqrt(2)))
    names = cluster_names(templates, each, "p"), cluster_names(templates, each, "n")
    kept = []
    for _ in range(simulations):
        scores = _two_classes(generator, templates=templates, each=each, icc=icc, shift=shift)
        found = auroc_interval(*scores, generator, clusters=names, resamples=RESAMPLES)
        kept.append(found is None or found[0] <= truth <= found[1])
    return np.array(kept)


def _two_detectors(
    generator: np.random.Generator, templates: int, each: int, icc: float
) -> tuple[tuple[NDArray, NDArray], tuple[NDArray, NDArray]]:
    """Two detectors of equal area whose scores correlate at .5."""
    shared = _two_classes(generator, templates=templates, each=each, icc=icc, shift=0.0)
    pairs = []
    for _ in range(2):
        own = _two_classes(generator, templates=templates, each=each, icc=icc, shift=0.0)
        both = [np.sqrt(0.5) * (a + b) for a, b in zip(shared, own, strict=True)]
        pairs.append((both[0] + 1.0, both[1]))
    return pairs[0], pairs[1]


def _difference(
    simulations: int, generator: np.random.Generator, *, templates: int, each: int, icc: float
) -> Bool[NDArray, " simulations"]:
    names = cluster_names(templates, each, "p"), cluster_names(templates, each, "n")
    kept = []
    for _ in range(simulations):
        pairs = _two_detectors(generator, templates, each, icc)
        found = auroc_difference_interval(*pairs, generator, names, resamples=RESAMPLES)
        kept.append(found is None or found[0] <= 0 <= found[1])
    return np.array(kept)


def _delong(
    simulations: int, generator: np.random.Generator, *, templates: int, each: int, icc: float
) -> Bool[NDArray, " simulations"]:
    pairs = [_two_detectors(generator, templates, each, icc) for _ in range(simulations)]
    return np.array([delong_difference(*pair)[1] > 0.05 for pair in pairs])


AUROC_CASES = (
    *(
        CoverageCase(
            "auroc_interval",
            TEMPLATES_SHARED,
            f"{templates} templates a class × {EACH}, ICC {icc}, shift {shift} sd",
            partial(_area, templates=templates, each=EACH, icc=icc, shift=shift),
            share=0.5 if templates > 32 else 1.0,
        )
        for templates in (4, 8, 16, 32, 64)
        for icc in (0.0, 0.36, 0.6)
        for shift in (0.0, 2.0)
    ),
    *(
        CoverageCase(
            "auroc_interval",
            INDEPENDENT,
            f"{n} conversations a class, shift {shift} sd",
            partial(_area, templates=n, each=1, icc=0.0, shift=shift),
        )
        for n in (8, 64)
        for shift in (0.0, 2.0)
    ),
    *(
        CoverageCase(
            "auroc_difference_interval",
            TEMPLATES_SHARED,
            f"{templates} templates a class × {EACH}, ICC {icc}",
            partial(_difference, templates=templates, each=EACH, icc=icc),
            share=0.5,
        )
        for templates in (8, 16, 64)
        for icc in (0.0, 0.36, 0.6)
    ),
    *(
        CoverageCase(
            "delong_difference",
            INDEPENDENT if each == 1 else TEMPLATES_SHARED,
            f"{templates} templates a class × {each}, ICC {icc}",
            partial(_delong, templates=templates, each=each, icc=icc),
        )
        for templates, each, icc in ((60, 1, 0.0), (120, 1, 0.0), (16, 8, 0.36), (64, 4, 0.6))
    ),
)
"""Areas and differences of areas, over templates of 8 to 64 and intraclass correlations of 0 to .6."""
