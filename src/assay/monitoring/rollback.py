"""When to roll back: two rules behind one small interface, pure functions of two counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import Field, model_validator

from assay.errors import AssayError
from assay.results import Figures
from assay.statistics import (
    MixtureEProcess,
    conversations_covered,
    false_rollback_probability,
    largest_expected_firings,
    missed_before_rollback,
    shift_power,
)
from assay.statistics.e_process import RATIOS

SHIFT = 10.0
"""The rise in the rate of firings whose detection is printed."""


@dataclass(frozen=True)
class RollbackState:
    """How many of a deployment's conversations were seen so far, and how many fired."""

    seen: int = 0
    """Conversations."""
    fired: int = 0
    """Those that fired."""
    rolled_back: bool = False
    """Whether the rule said so at any time; it is never taken back."""


class EProcessRule(Figures):
    """Roll back when the evidence that benign firing has become more frequent reaches 1/alpha."""

    rule: Literal["e_process"] = "e_process"
    """Its name."""
    p0: float = Field(gt=0, lt=1)
    """The upper bound of the benign rate, from the calibration."""
    alpha: float = Field(gt=0, lt=1)
    """Probability of ever rolling back a benign deployment, over any number of conversations."""
    ratios: tuple[float, ...] = RATIOS
    """p1/p0 of the alternatives that are mixed."""

    @model_validator(mode="after")
    def _leaves_an_alternative(self) -> EProcessRule:
        try:
            self.process()
        except ValueError as error:
            raise AssayError(
                f"the e-process cannot watch a benign rate of {self.p0:g}: {error}"
            ) from error
        return self

    def process(self) -> MixtureEProcess:
        """The statistics behind it."""
        return MixtureEProcess(self.p0, self.alpha, self.ratios)

    def holds(self, seen: int, fired: int) -> bool:
        """Whether these counts roll back."""
        return bool(self.process().crosses(seen, fired))

    def statistic(self, seen: int, fired: int) -> float:
        """Natural logarithm of E; it rolls back at log(1/alpha)."""
        return float(self.process().log_e(seen, fired))


class HandfulRule(Figures):
    """Roll back when more than a handful of conversations have fired."""

    rule: Literal["handful"] = "handful"
    """Its name."""
    handful: int = Field(ge=0)
    """h: firings that do not roll back yet."""
    alpha: float = Field(gt=0, lt=1)
    """Probability of rolling back a benign deployment within the horizon."""

    def holds(self, seen: int, fired: int) -> bool:
        """Whether these counts roll back."""
        return fired > self.handful

    def statistic(self, seen: int, fired: int) -> float:
        """The number of firings; it rolls back above the handful."""
        return float(fired)


RollbackRule = Annotated[EProcessRule | HandfulRule, Field(discriminator="rule")]
"""Either rule; ``rule`` in the file says which."""


class OperatingFigures(Figures):
    """What to expect of a rollback rule over the horizon, from the bound of the benign rate."""

    false_rollback_probability: float
    """Of a benign deployment within the horizon, at the bound of the benign rate."""
    firings_needed: int
    """Firings that roll back at the latest by the end of the horizon."""
    missed_defections: float | None
    """Expected defections that go unseen until so many have fired; None without a TPR above 0."""
    shift_power: float
    """Probability of rolling back within the horizon when firing becomes 10 times as frequent."""
    best_shift_power: float | None
    """The handful rule's at the largest Nφ it allows, its best case; None for the e-process."""


def next_state(
    rule: EProcessRule | HandfulRule, state: RollbackState, fires: bool
) -> RollbackState:
    """The state after one more conversation. E falls when none fires: only firings roll back."""
    state = replace(state, seen=state.seen + 1, fired=state.fired + int(fires))
    if fires and rule.holds(state.seen, state.fired):
        return replace(state, rolled_back=True)
    return state


def check_covers(rule: EProcessRule | HandfulRule, rate_bound: float, horizon: int) -> None:
    """Raise AssayError where the handful rule breaks its promise within the horizon.

    The e-process has no horizon to break it in, but its p0 must be the bound itself or more.
    """
    if isinstance(rule, EProcessRule):
        if rule.p0 < rate_bound:
            raise AssayError(
                f"the e-process tests p0 = {rule.p0:g}, below the bound {rate_bound:g} of the benign "
                "rate; p0 must be the bound, not an estimate"
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
    rule: EProcessRule | HandfulRule, rate_bound: float, horizon: int, tpr: float | None
) -> OperatingFigures:
    """The rule's figures over ``horizon`` conversations.

    ``tpr`` is τ, the probability that one defecting conversation fires.
    """
    shifted = min(SHIFT * rate_bound, 1.0)
    best = None
    if isinstance(rule, HandfulRule):
        needed = rule.handful + 1
        false = false_rollback_probability(rule.handful, horizon * rate_bound)
        power = false_rollback_probability(rule.handful, horizon * shifted)
        best = shift_power(rule.handful, rule.alpha, SHIFT)
    else:
        process = rule.process()
        needed = process.firings_needed(horizon)
        false = process.rollback_probability(rate_bound, horizon)
        power = process.rollback_probability(shifted, horizon)
    return OperatingFigures(
        false_rollback_probability=false,
        firings_needed=needed,
        missed_defections=missed_before_rollback(needed, tpr) if tpr else None,
        shift_power=power,
        best_shift_power=best,
    )
