"""Run the coverage study: each case draws from a random stream of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from assay.randomness import numpy_generator
from assay.statistics.approximate import is_approximate
from assay.statistics.coverage_study.auroc_cases import AUROC_CASES
from assay.statistics.coverage_study.catch_cases import CATCH_CASES
from assay.statistics.coverage_study.coverage_case import CoverageCase, CoverageCell
from assay.statistics.coverage_study.family_cases import FAMILY_CASES
from assay.statistics.coverage_study.mean_cases import MEAN_CASES
from assay.statistics.coverage_study.rate_cases import RATE_CASES
from assay.statistics.coverage_study.sequential_cases import SEQUENTIAL_CASES
from assay.statistics.coverage_study.threshold_cases import THRESHOLD_CASES

STATISTICS_CASES: tuple[CoverageCase, ...] = (
    *RATE_CASES,
    *CATCH_CASES,
    *THRESHOLD_CASES,
    *AUROC_CASES,
    *MEAN_CASES,
    *FAMILY_CASES,
    *SEQUENTIAL_CASES,
)
"""The cases of this room; other rooms add those of their own intervals to what is run."""


def run_coverage(
    cases: Sequence[CoverageCase] = STATISTICS_CASES,
    simulations: int = 2000,
    seed: int = 0,
    advance: Callable[[float], None] | None = None,
) -> tuple[CoverageCell, ...]:
    """Simulate every case; the same seed and number of simulations give the same cells.

    ``advance(1)`` is called after each case, for a progress bar.
    Raises ValueError for fewer than 20 simulations.
    """
    if simulations < 20:
        raise ValueError(f"a coverage needs at least 20 simulations, not {simulations}")
    cells = []
    for case in cases:
        count = max(20, round(case.share * simulations))
        kept = case.simulate(count, numpy_generator(seed, f"coverage/{case.name}"))
        cells.append(
            CoverageCell(
                interval=case.interval,
                condition=case.condition,
                regime=case.regime,
                simulations=count,
                kept=int(np.count_nonzero(kept)),
                approximate=is_approximate(case.interval, case.condition),
            )
        )
        if advance is not None:
            advance(1)
    return tuple(cells)
