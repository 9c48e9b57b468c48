"""Coverage of intervals and bounds of a rate, and type I error of the test of an excess."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from assay.statistics.approximate import INDEPENDENT, TEMPLATES_SHARED
from assay.statistics.clusters import (
    LEAST_ICC,
    EffectiveSample,
    as_sample,
    effective_interval,
    effective_lower_bound,
    effective_upper_bound,
    excess_p,
    pooled_icc,
)
from assay.statistics.coverage_study.clustered_draws import (
    cluster_names,
    cluster_successes,
    equal_clusters,
)
from assay.statistics.coverage_study.coverage_case import CoverageCase
from assay.statistics.intervals import (
    clopper_pearson,
    proportion_lower_bound,
    proportion_upper_bound,
)

if TYPE_CHECKING:
    from jaxtyping import Bool, Int
    from numpy.typing import NDArray

EACH = 8
"""Prompts of each template."""
FLEET = 6
"""Organisms over which the intraclass correlation is pooled."""
TEMPLATES = (8, 16, 32, 64)
"""Templates of one organism's test split."""
ICCS = (0.0, 0.1, 0.36, 0.6)
"""Intraclass correlations of the outcomes of a template."""
TRUE_RATES = {
    "effective_interval": 0.5,
    "effective_lower_bound": 0.85,
    "effective_upper_bound": 0.05,
}
"""Where each bound is used: admission asks for ≥ .85 under the trigger and ≤ .05 without it."""

Right = Callable[[int, EffectiveSample, float], bool]


def _interval_holds(k: int, sample: EffectiveSample, rate: float) -> bool:
    low, high = effective_interval(k, sample)
    return low <= rate <= high


RIGHT: dict[str, Right] = {
    "effective_interval": _interval_holds,
    "effective_lower_bound": lambda k, sample, rate: effective_lower_bound(k, sample) <= rate,
    "effective_upper_bound": lambda k, sample, rate: effective_upper_bound(k, sample) >= rate,
    "excess_p": lambda k, sample, rate: excess_p(k, sample, rate) > 0.05,
    "clopper_pearson": lambda k, sample, rate: (
        clopper_pearson(k, sample.n)[0] <= rate <= clopper_pearson(k, sample.n)[1]
    ),
    "proportion_lower_bound": lambda k, sample, rate: proportion_lower_bound(k, sample.n) <= rate,
    "proportion_upper_bound": lambda k, sample, rate: proportion_upper_bound(k, sample.n) >= rate,
}
"""Whether k successes of a sample lead to a right statement about the true rate."""


def right_for_counts(
    counts: Int[NDArray, " simulations"], right: Callable[[int], bool]
) -> Bool[NDArray, " simulations"]:
    """``right`` of every count; it is asked once for each that occurs."""
    distinct, inverse = np.unique(counts, return_inverse=True)
    return np.array([right(int(k)) for k in distinct])[inverse]


def _independent(
    simulations: int, generator: np.random.Generator, *, right: Right, n: int, rate: float
) -> Bool[NDArray, " simulations"]:
    counts = generator.binomial(n, rate, simulations)
    return right_for_counts(counts, lambda k: right(k, as_sample(n), rate))


def _templates(
    simulations: int,
    generator: np.random.Generator,
    *,
    right: Right,
    templates: int,
    each: int,
    rate: float,
    icc: float,
) -> Bool[NDArray, " simulations"]:
    """The intraclass correlation is known, and at least the floor is assumed."""
    sample = equal_clusters(templates, each, max(icc, LEAST_ICC))
    counts = cluster_successes(
        generator, (simulations, templates), each=each, rate=rate, icc=icc
    ).sum(axis=1)
    return right_for_counts(counts, lambda k: right(k, sample, rate))


def _pooled(
    simulations: int,
    generator: np.random.Generator,
    *,
    right: Right,
    templates: int,
    rate: float,
    icc: float,
) -> Bool[NDArray, " simulations"]:
    """The intraclass correlation is estimated over a fleet of organisms, the first of them judged."""
    names = cluster_names(templates, EACH)
    successes = cluster_successes(
        generator, (simulations, FLEET, templates), each=EACH, rate=rate, icc=icc
    )
    outcomes = (np.arange(EACH) < successes[..., None]).reshape(simulations, FLEET, -1)
    kept = []
    for fleet, count in zip(outcomes, successes[:, 0].sum(axis=1), strict=True):
        found = pooled_icc([(organism, names) for organism in fleet])
        kept.append(right(int(count), equal_clusters(templates, EACH, found), rate))
    return np.array(kept)


RATE_CASES = (
    *(
        CoverageCase(
            interval,
            INDEPENDENT,
            f"n {n}, rate {rate}",
            partial(_independent, right=RIGHT[interval], n=n, rate=rate),
        )
        for interval, sizes in {
            "clopper_pearson": ((20, 0.3), (100, 0.02), (400, 0.85)),
            "proportion_upper_bound": ((100, 0.02), (1600, 0.01)),
            "proportion_lower_bound": ((100, 0.85), (20, 0.5)),
            "excess_p": ((299, 0.01), (1600, 0.01)),
        }.items()
        for n, rate in sizes
    ),
    *(
        CoverageCase(
            interval,
            TEMPLATES_SHARED,
            f"{templates} templates × {EACH}, ICC {icc}, rate {rate}",
            partial(
                _templates,
                right=RIGHT[interval],
                templates=templates,
                each=EACH,
                rate=rate,
                icc=icc,
            ),
        )
        for interval, rate in TRUE_RATES.items()
        for templates in TEMPLATES
        for icc in ICCS
    ),
    *(
        CoverageCase(
            interval,
            TEMPLATES_SHARED,
            f"{templates} templates × {EACH}, ICC {icc} pooled over {FLEET}, rate {rate}",
            partial(_pooled, right=RIGHT[interval], templates=templates, rate=rate, icc=icc),
            share=0.5,
        )
        for interval, rate in TRUE_RATES.items()
        for templates in TEMPLATES
        for icc in (0.1, 0.36, 0.6)
        if interval != "effective_interval"
    ),
    *(
        CoverageCase(
            "excess_p",
            TEMPLATES_SHARED,
            f"{sources} sources × 4, ICC {icc}, rate 0.01",
            partial(
                _templates, right=RIGHT["excess_p"], templates=sources, each=4, rate=0.01, icc=icc
            ),
        )
        for sources in (64, 400)
        for icc in ICCS
    ),
    *(
        CoverageCase(
            "clopper_pearson",
            TEMPLATES_SHARED,
            f"{templates} templates × {EACH}, ICC {icc}, rate 0.5",
            partial(
                _templates,
                right=RIGHT["clopper_pearson"],
                templates=templates,
                each=EACH,
                rate=0.5,
                icc=icc,
            ),
        )
        for templates in (8, 64)
        for icc in (0.1, 0.36, 0.6)
    ),
)
"""Rates of independent outcomes and of outcomes that share templates."""
