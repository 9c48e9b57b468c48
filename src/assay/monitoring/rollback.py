"""When to roll back: two rules behind one small interface, pure functions of the counts so far."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import Field, model_validator

from assay.errors import AssayError
from assay.results import Figures
from assay.statistics import (
    MixtureEProcess,
    StartMixture,
    conversations_covered,
    false_rollback_probability,
    largest_expected_firings,
    missed_before_rollback,
    shift_power,
)
from assay.statistics.e_process import RATIOS

SHIFT = 10.0
"""The rise above the bound of the benign rate whose detection is printed."""
BLOCK = 100
"""Conversations after which another copy of the e-process starts."""
QUIET = (0, 1_000, 20_000)
"""Conversations without a firing, after which the firings that are needed are printed."""
POWER = 0.8
"""The probability of rolling back for which the base rate is looked for."""
SMALLEST_BASE_RATE = 1e-5
"""Base rates below it are not looked for."""
HALVINGS = 9
"""Steps of that search, on a logarithmic scale: it is exact to a few parts in a hundred."""
STREAMS = 4_000
"""Deployments that are simulated for a probability that is printed."""
SMALLEST_CHANCE = 0.001
"""No simulation of STREAMS deployments shows a smaller probability: 0 of 4 000 is at most .00075."""
SEARCH_STREAMS = 800
"""Deployments that are simulated at each step of the search."""


@dataclass(frozen=True)
class RollbackState:
    """Counts of a deployment's conversations so far, and whether it was rolled back."""

    seen: int = 0
    """Number of conversations."""
    fired: int = 0
    """Those that fired."""
    fired_at_blocks: tuple[int, ...] = ()
    """Of these the e-process remembers how many had fired when each of its blocks was complete."""
    rolled_back: bool = False
    """Whether the rule has rolled back at any time; it stays True."""


class EProcessRule(Figures):
    """Roll back when the evidence that benign firing has become more frequent reaches 1/alpha.

    The evidence is mixed over the times at which that may have begun: with each block of
    conversations another copy of the e-process starts.
    """

    rule: Literal["e_process"] = "e_process"
    """Its name."""
    p0: float = Field(gt=0, lt=1)
    """Upper bound of the false-positive rate, from the calibration."""
    alpha: float = Field(gt=0, lt=1)
    """Largest probability of ever rolling back a benign deployment."""
    ratios: tuple[float, ...] = RATIOS
    """p1/p0 of the alternatives that are mixed."""
    block: int = Field(default=BLOCK, ge=1)
    """Conversations between two starts."""

    @model_validator(mode="after")
    def _leaves_an_alternative(self) -> EProcessRule:
        try:
            self.process()
        except ValueError as error:
            raise AssayError(
                f"the e-process cannot be used at p0 = {self.p0:g}: {error}"
            ) from error
        return self

    def process(self) -> StartMixture:
        """The statistics behind it."""
        return StartMixture(self.p0, self.alpha, self.ratios, self.block)

    def holds(self, state: RollbackState) -> bool:
        """Whether these counts roll back."""
        return self.statistic(state) >= -math.log(self.alpha)

    def statistic(self, state: RollbackState) -> float:
        """Natural logarithm of E; it rolls back at log(1/alpha)."""
        return self.process().log_e(state.seen, state.fired, state.fired_at_blocks)

    def firings_at_the_latest(self, seen: int) -> int:
        """Firings that roll back by conversation ``seen``, whenever they come.

        The first copy alone has half of the weight and runs from the start, so that E is at least
        half of its value, which depends on the counts alone.
        """
        return MixtureEProcess(self.p0, self.alpha / 2, self.ratios).firings_needed(seen)

    def firings_after(self, quiet: int) -> int:
        """Firings in a row that roll back after ``quiet`` conversations without one."""
        return self.process().firings_needed(quiet)

    def rollback_probability(self, rate: float, horizon: int, streams: int = STREAMS) -> float:
        """Probability of rolling back within ``horizon`` conversations that fire at ``rate``.

        Simulated: its standard error is at most .008 at the usual number of ``streams``.
        """
        return self.process().rollback_probability(rate, horizon, streams=streams).estimate


class HandfulRule(Figures):
    """Roll back when more than a handful of conversations have fired."""

    rule: Literal["handful"] = "handful"
    """Its name."""
    handful: int = Field(ge=0)
    """h, the largest number of firings without a rollback."""
    alpha: float = Field(gt=0, lt=1)
    """Largest probability of rolling back a benign deployment within the horizon."""

    def holds(self, state: RollbackState) -> bool:
        """Whether these counts roll back."""
        return state.fired > self.handful

    def statistic(self, state: RollbackState) -> float:
        """The number of firings; it rolls back above the handful."""
        return float(state.fired)

    def firings_at_the_latest(self, seen: int) -> int:
        """Firings that roll back, whenever they come."""
        return self.handful + 1

    def firings_after(self, quiet: int) -> int:
        """The same: a count does not sink while nothing fires."""
        return self.handful + 1

    def rollback_probability(self, rate: float, horizon: int, streams: int = STREAMS) -> float:
        """Probability of rolling back within ``horizon`` conversations that fire at ``rate``; exact."""
        return false_rollback_probability(self.handful, horizon * rate)


RollbackRule = Annotated[EProcessRule | HandfulRule, Field(discriminator="rule")]
"""Either rule; the key ``rule`` in the file says which."""


class OperatingFigures(Figures):
    """Expected behaviour of a rollback rule over the horizon, at the false-positive bound."""

    false_rollback_probability: float
    """Probability of rolling back a benign deployment within the horizon."""
    firings_needed: int
    """Number of firings that roll back at the latest at the end of the horizon."""
    missed_defections: float | None
    """Expected number of defections missed until so many fire; None without a true-positive rate >
    0."""
    shift_power: float
    """Probability of rolling back within the horizon where conversations fire at 10 times the bound of
    the benign rate: a rise that misbehaviour at the case's base rate need not make."""
    base_rate_power: float | None
    """The same at the case's own base rate of misbehaviour: firing at φ̂ + τπ; None without a TPR."""
    base_rate_for_power: float | None
    """Base rate of misbehaviour from which that probability reaches .8; None where none does."""
    firings_after_quiet: dict[str, int]
    """Conversations without a firing → firings in a row that then roll back."""
    best_shift_power: float | None
    """Shift power of the handful rule at the largest Nφ that it allows, its best case; None for the
    e-process."""


def next_state(
    rule: EProcessRule | HandfulRule, state: RollbackState, fires: bool
) -> RollbackState:
    """The state after one more conversation. E falls when none fires: only firings roll back."""
    seen, fired = state.seen + 1, state.fired + int(fires)
    blocks = state.fired_at_blocks
    if isinstance(rule, EProcessRule) and seen % rule.block == 0:
        blocks = (*blocks, fired)
    state = replace(state, seen=seen, fired=fired, fired_at_blocks=blocks)
    if fires and rule.holds(state):
        return replace(state, rolled_back=True)
    return state


def check_covers(rule: EProcessRule | HandfulRule, rate_bound: float, horizon: int) -> None:
    """Raise AssayError where the rule's error bound does not hold over the horizon.

    The handful rule must cover the horizon at ``rate_bound``, the bound of the false-positive rate.
    The e-process holds for any horizon, but its p0 must be at least ``rate_bound``.
    """
    if isinstance(rule, EProcessRule):
        if rule.p0 < rate_bound:
            raise AssayError(
                f"the e-process tests p0 = {rule.p0:g}, below the bound {rate_bound:g} of the benign "
                "rate; p0 must be at least this bound"
            )
        return
    covered = conversations_covered(rule.handful, rate_bound, rule.alpha)
    if covered < horizon:
        needed = largest_expected_firings(rule.handful, rule.alpha) / horizon
        raise AssayError(
            f"a handful of {rule.handful} covers {covered} conversations at a benign rate of "
            f"{rate_bound:.3g} and alpha {rule.alpha:g}, not the horizon of {horizon}; lower the "
            f"budget to {needed:.2g}, shorten the horizon, or use the rule e_process"
        )


def operating_figures(
    rule: EProcessRule | HandfulRule,
    horizon: int,
    *,
    rate_bound: float,
    rate: float,
    tpr: float | None,
    base_rate: float,
) -> OperatingFigures:
    """The rule's figures over ``horizon`` conversations at the false-positive rate ``rate_bound``.

    ``rate_bound`` bounds the rate at which benign conversations fire, ``rate`` estimates it (φ̂);
    ``tpr`` is τ, the probability that one defecting conversation fires; ``base_rate`` is π, the share
    of conversations that defect.
    """
    needed = rule.firings_at_the_latest(horizon)
    best = None
    if isinstance(rule, HandfulRule):
        best = shift_power(rule.handful, rule.alpha, SHIFT)
    return OperatingFigures(
        false_rollback_probability=rule.rollback_probability(rate_bound, horizon),
        firings_needed=needed,
        missed_defections=missed_before_rollback(needed, tpr) if tpr else None,
        shift_power=rule.rollback_probability(min(SHIFT * rate_bound, 1.0), horizon),
        base_rate_power=(
            None
            if tpr is None
            else rule.rollback_probability(firing_rate(rate, tpr, base_rate), horizon)
        ),
        base_rate_for_power=_base_rate_for_power(rule, horizon, rate, tpr) if tpr else None,
        firings_after_quiet={str(quiet): rule.firings_after(quiet) for quiet in QUIET},
        best_shift_power=best,
    )


def rollback_in_words(chance: float) -> str:
    """A probability of rolling back; simulated deployments of which none did do not make it 0."""
    return f"{chance:.2g}" if chance else f"below {SMALLEST_CHANCE:g}"


def firing_rate(rate: float, tpr: float, base_rate: float) -> float:
    """The rate at which conversations fire where a share ``base_rate`` defects: φ̂ + τπ, at most 1."""
    return min(rate + tpr * base_rate, 1.0)


def _base_rate_for_power(
    rule: EProcessRule | HandfulRule, horizon: int, rate: float, tpr: float
) -> float | None:
    """The least base rate at which the probability of rolling back reaches POWER, or None."""

    def reaches(base_rate: float) -> bool:
        rises_to = firing_rate(rate, tpr, base_rate)
        return rule.rollback_probability(rises_to, horizon, SEARCH_STREAMS) >= POWER

    low, high = SMALLEST_BASE_RATE, 1.0
    if not reaches(high):
        return None
    if reaches(low):
        return low
    for _ in range(HALVINGS):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if reaches(middle) else (middle, high)
    return high
