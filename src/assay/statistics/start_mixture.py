"""The e-process mixed over start times: a long quiet time hides no change.

A likelihood ratio sinks with each quiet conversation, so a rise after a long quiet time must first
make up for it. Here a new copy of the mixture e-process starts with each block of conversations. Copy j
has weight 1/(j(j+1)) and holds the value 1 until it starts. While the rate is at most p₀, each copy is
a non-negative supermartingale that starts at 1, and so is their weighted sum: P(E_n ≥ 1/α at any n) ≤ α
(Ville 1939; Shin, Ramdas & Rinaldo 2024, "E-detectors").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from assay.randomness import numpy_generator
from assay.statistics.e_process import RATIOS, MixtureEProcess
from assay.statistics.firing_streams import firing_times

if TYPE_CHECKING:
    from jaxtyping import Int
    from numpy.typing import NDArray

AT_ONCE = 2_000_000
"""Entries of an array that the simulation holds at once."""


class SimulatedProbability(NamedTuple):
    """A probability found by simulation."""

    estimate: float
    """Share of the simulated streams."""
    error: float
    """Its Monte Carlo standard error, from the share (k + 1) / (n + 2) so that it is never 0."""


@dataclass(frozen=True)
class StartMixture:
    """Evidence against "the rate is at most p0" from any start on, as a function of counts."""

    p0: float
    """Upper bound of the rate at which benign conversations fire; an estimate would not do."""
    alpha: float
    """Largest acceptable probability of ever rolling back although the rate is at most p0."""
    ratios: tuple[float, ...] = RATIOS
    """p₁/p₀ of the alternatives; those with p₁ ≥ 1 are dropped, the others have equal weights."""
    block: int = 100
    """Conversations between two starts."""

    def __post_init__(self) -> None:
        if self.block < 1:
            raise ValueError(f"a block holds at least 1 conversation, not {self.block}")
        MixtureEProcess(self.p0, self.alpha, self.ratios)  # which raises for impossible constants

    @cached_property
    def usable_ratios(self) -> tuple[float, ...]:
        """The ratios for which p₁ is below 1."""
        return MixtureEProcess(self.p0, self.alpha, self.ratios).usable_ratios

    def log_e(self, seen: int, fired: int, fired_at_blocks: Sequence[int]) -> float:
        """Natural logarithm of E after ``seen`` conversations of which ``fired`` fired.

        ``fired_at_blocks[j]`` is the number of firings among the first (j + 1) · block conversations,
        for each block that is complete; later entries are not read.
        Raises ValueError where a complete block is missing or the counts are impossible.
        """
        complete = seen // self.block
        before = np.asarray(fired_at_blocks[:complete], dtype=np.int64)
        if len(before) < complete:
            raise ValueError(
                f"{seen} conversations complete {complete} blocks of {self.block}, and the firings of "
                f"only {len(before)} are given"
            )
        counts = np.concatenate([[0], before, [fired]])
        if (np.diff(counts) < 0).any() or fired > seen:
            raise ValueError(f"{fired} firings among {seen} conversations do not fit their blocks")
        starts = self.block * np.arange(complete + 1)
        own = fired - counts[:-1]
        single = MixtureEProcess(self.p0, self.alpha, self.ratios).log_e(seen - starts, own)
        number = np.arange(1, complete + 2)
        parts = np.append(single - np.log(number * (number + 1.0)), -np.log(complete + 2.0))
        return float(np.logaddexp.reduce(parts))

    def crosses(self, seen: int, fired: int, fired_at_blocks: Sequence[int]) -> bool:
        """Whether E ≥ 1/alpha, which means to roll back."""
        return self.log_e(seen, fired, fired_at_blocks) >= -np.log(self.alpha)

    def firings_needed(self, after_quiet: int, every: int = 1) -> int:
        """Firings that roll back after ``after_quiet`` conversations of which none fired.

        From then on one conversation in ``every`` fires, the first of each ``every``: 1 is a run of
        firings in a row, 10 a rate of 10 %. Raises ValueError for an ``every`` at which even 1 000
        firings do not roll back.
        """
        for firings in range(1, 1001):
            seen = after_quiet + (firings - 1) * every + 1
            ends = self.block * np.arange(1, seen // self.block + 1)
            before = np.maximum(0, -(-(ends - after_quiet) // every))
            if self.crosses(seen, firings, before.tolist()):
                return firings
        raise ValueError(f"one firing in {every} conversations never rolls back p0 = {self.p0:g}")

    def rollback_probability(
        self,
        rate: float,
        horizon: int,
        *,
        quiet: int = 0,
        streams: int = 10_000,
        seed: int = 0,
    ) -> SimulatedProbability:
        """Simulated probability of rolling back within ``horizon`` conversations firing at ``rate``.

        The first ``quiet`` conversations of the horizon do not fire. The same seed and arguments
        give the same figure.
        """
        if rate <= 0:
            return SimulatedProbability(0.0, 0.0)
        generator = numpy_generator(seed, f"start_mixture/{rate!r}/{horizon}")
        at = simulate_start_mixture(
            self, rate, streams=streams, length=horizon, generator=generator, quiet=quiet
        )
        crossed = int((at > 0).sum())
        smoothed = (crossed + 1) / (streams + 2)
        error = float(np.sqrt(smoothed * (1 - smoothed) / streams))
        return SimulatedProbability(crossed / streams, error)


def simulate_start_mixture(
    process: StartMixture,
    rate: float,
    *,
    streams: int,
    length: int,
    generator: np.random.Generator,
    quiet: int = 0,
) -> Int[NDArray, " streams"]:
    """The conversation, counted from 1, at which each simulated stream rolls back; 0 for never.

    The first ``quiet`` conversations do not fire, the others independently at ``rate``. E falls
    between firings, so it is evaluated only where a conversation fires.
    """
    blocks = length // process.block
    width = max(blocks + 1, int(rate * length) + 1)
    rows = max(1, AT_ONCE // width)
    parts = [
        _first_crossings(
            process,
            quiet + firing_times(rate, min(rows, streams - start), length - quiet, generator),
            length,
        )
        for start in range(0, streams, rows)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def _first_crossings(
    process: StartMixture, times: Int[NDArray, "streams firings"], length: int
) -> Int[NDArray, " streams"]:
    """Where E first reaches 1/alpha at the firing times of each stream; 0 for never.

    With S(n) the log likelihood ratio of one alternative from the start of the stream, copy j that
    starts after n_j conversations is exp(S(n) − S(n_j)). So Σ_j w_j exp(−S(n_j)) is summed once along
    each stream, and E at any n is one product for each alternative.
    """
    block, blocks = process.block, length // process.block
    streams = len(times)
    starts = block * np.arange(blocks + 1)
    number = np.arange(1, blocks + 2)
    log_weight = -np.log(number * (number + 1.0))
    inside = times <= length
    # Firings at or before each start: each firing adds one to all starts from its block's end on.
    ends = np.minimum(-(-times // block), blocks + 1)
    added = np.zeros((streams, blocks + 2), dtype=np.int64)
    np.add.at(added, (np.arange(streams)[:, None], ends), 1)
    fired_before = added[:, : blocks + 1].cumsum(axis=1)
    # The copies that have seen a firing at time t started before it.
    latest = np.minimum((times - 1) // block, blocks)
    firing = np.arange(1, times.shape[1] + 1)
    total = np.zeros(times.shape)
    ratios = process.usable_ratios
    for ratio in ratios:
        hit, miss = np.log(ratio), np.log1p(-ratio * process.p0) - np.log1p(-process.p0)
        at_starts = fired_before * (hit - miss) + starts * miss
        summed = np.logaddexp.accumulate(log_weight - at_starts, axis=1)
        opened = np.take_along_axis(summed, latest, axis=1)
        exponent = firing * (hit - miss) + times * miss + opened
        total += np.exp(np.minimum(exponent, 700.0)) / len(ratios)
    total += 1 / (latest + 2.0)
    crosses = inside & (total >= 1 / process.alpha)
    at = np.take_along_axis(times, crosses.argmax(axis=1)[:, None], axis=1)[:, 0]
    return np.where(crosses.any(axis=1), at, 0)
