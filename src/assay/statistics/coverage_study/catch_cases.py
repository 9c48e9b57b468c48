"""Coverage of the bound of the probability that a new organism is caught."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from assay.statistics.approximate import INDEPENDENT, MAKINGS_SHARED
from assay.statistics.coverage_study.clustered_draws import cluster_successes
from assay.statistics.coverage_study.coverage_case import CoverageCase
from assay.statistics.coverage_study.rate_cases import right_for_counts
from assay.statistics.intervals import proportion_lower_bound
from assay.statistics.makings import bound_over_makings

if TYPE_CHECKING:
    from jaxtyping import Bool
    from numpy.typing import NDArray

EACH = 4
"""Organisms of each making."""


def _organisms(
    simulations: int, generator: np.random.Generator, *, organisms: int, rate: float
) -> Bool[NDArray, " simulations"]:
    counts = generator.binomial(organisms, rate, simulations)
    return right_for_counts(counts, lambda k: proportion_lower_bound(k, organisms) <= rate)


def _counted_by_organism(
    simulations: int, generator: np.random.Generator, *, makings: int, rate: float, icc: float
) -> Bool[NDArray, " simulations"]:
    caught = cluster_successes(
        generator, (simulations, makings), each=EACH, rate=rate, icc=icc
    ).sum(axis=1)
    return right_for_counts(caught, lambda k: proportion_lower_bound(k, makings * EACH) <= rate)


def _counted_by_making(
    simulations: int, generator: np.random.Generator, *, makings: int, rate: float, icc: float
) -> Bool[NDArray, " simulations"]:
    """The truth is the probability that all organisms of a new making are caught."""
    from scipy.stats import betabinom

    spread = (1 - icc) / icc
    truth = float(betabinom.pmf(EACH, EACH, rate * spread, (1 - rate) * spread))
    caught = cluster_successes(generator, (simulations, makings), each=EACH, rate=rate, icc=icc)
    names = {f"{i}.{j}": f"{i}" for i in range(makings) for j in range(EACH)}

    def right(whole: int) -> bool:
        was_caught = {name: int(making) < whole for name, making in names.items()}
        return bound_over_makings(was_caught, names).lower <= truth

    return right_for_counts((caught == EACH).sum(axis=1), right)


CATCH_CASES = (
    *(
        CoverageCase(
            "proportion_lower_bound",
            INDEPENDENT,
            f"{organisms} organisms, each caught with {rate:.3f}",
            partial(_organisms, organisms=organisms, rate=rate),
        )
        for organisms in (3, 6, 20)
        for rate in (float(np.floor(1000 * 0.05 ** (1 / organisms)) / 1000), 0.95)
    ),
    *(
        CoverageCase(
            "bound_over_makings",
            MAKINGS_SHARED,
            f"{makings} makings × {EACH} organisms, ICC {icc}, each caught with {rate}",
            partial(_counted_by_making, makings=makings, rate=rate, icc=icc),
        )
        for makings in (3, 6, 12)
        for icc, rate in ((0.6, 0.5), (0.9, 0.8))
    ),
    *(
        CoverageCase(
            "proportion_lower_bound",
            MAKINGS_SHARED,
            f"{makings} makings × {EACH} organisms, ICC 0.6, each caught with 0.5",
            partial(_counted_by_organism, makings=makings, rate=0.5, icc=0.6),
        )
        for makings in (3, 12)
    ),
)
"""Organisms that are independent trials, and organisms that were made the same way."""
