"""False rollbacks of the monitor's rules, and coverage of the confidence sequence at every look."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from assay.statistics.approximate import INDEPENDENT
from assay.statistics.confidence_sequence import beta_mixture_sequence
from assay.statistics.coverage_study.coverage_case import CoverageCase
from assay.statistics.e_process import MixtureEProcess, simulate_e_process
from assay.statistics.handful import conversations_covered, simulate_handful
from assay.statistics.start_mixture import StartMixture, simulate_start_mixture

if TYPE_CHECKING:
    from jaxtyping import Bool
    from numpy.typing import NDArray

ALPHA = 0.05
"""Largest acceptable probability of a false rollback."""
LOOKS = 200
"""Looks at each stream's confidence sequence, evenly spread on a logarithmic scale."""


def _mixture(
    simulations: int, generator: np.random.Generator, *, p0: float, length: int
) -> Bool[NDArray, " simulations"]:
    process = MixtureEProcess(p0, ALPHA)
    at = simulate_e_process(process, p0, streams=simulations, length=length, generator=generator)
    return at == 0


def _starts(
    simulations: int, generator: np.random.Generator, *, p0: float, length: int
) -> Bool[NDArray, " simulations"]:
    process = StartMixture(p0, ALPHA)
    at = simulate_start_mixture(
        process, p0, streams=simulations, length=length, generator=generator
    )
    return at == 0


def _handful(
    simulations: int, generator: np.random.Generator, *, handful: int, rate: float
) -> Bool[NDArray, " simulations"]:
    length = conversations_covered(handful, rate, ALPHA)
    at = simulate_handful(handful, rate, streams=simulations, length=length, generator=generator)
    return at == 0


def _sequence(
    simulations: int, generator: np.random.Generator, *, rate: float, length: int
) -> Bool[NDArray, " simulations"]:
    looks = np.unique(np.geomspace(1, length, LOOKS).astype(int))
    gaps = np.diff(looks, prepend=0)
    fired = generator.binomial(gaps, rate, (simulations, len(looks))).cumsum(axis=1)
    low, high = beta_mixture_sequence(fired, np.broadcast_to(looks, fired.shape), ALPHA)
    return np.asarray(((low <= rate) & (rate <= high)).all(axis=1))


SEQUENTIAL_CASES = (
    *(
        CoverageCase(
            name,
            INDEPENDENT,
            f"ever within {length:,} conversations at p0 {p0:g}",
            partial(simulate, p0=p0, length=length),
        )
        for name, simulate in (("MixtureEProcess", _mixture), ("StartMixture", _starts))
        for p0, length in ((0.1, 2000), (0.01, 5000), (0.001, 30_000))
    ),
    *(
        CoverageCase(
            "handful",
            INDEPENDENT,
            f"more than {handful} within the horizon covered at rate 0.001",
            partial(_handful, handful=handful, rate=0.001),
        )
        for handful in (0, 3, 5)
    ),
    *(
        CoverageCase(
            "beta_mixture_sequence",
            INDEPENDENT,
            f"at {LOOKS} looks of {length:,} conversations at rate {rate}",
            partial(_sequence, rate=rate, length=length),
            share=0.25,
        )
        for rate, length in ((0.03, 20_000), (0.3, 2000))
    ),
)
"""What holds at every look of a stream."""
