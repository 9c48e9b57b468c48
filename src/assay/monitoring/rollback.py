"""Rollback rules: pure functions of the number of conversations and the number of firings."""

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
"""Factor by which the firing rate rises in ``shift_power``."""


@dataclass(frozen=True)
class RollbackState:
    """Counts of a deployment's conversations so far, and whether it was rolled back."""

    seen: int = 0
    """Number of conversations."""
    fired: int = 0
    """Number of conversations that fired."""
    rolled_back: bool = False
    """Whether the rule has rolled back at any time; it stays True."""


class EProcessRule(Figures):
    """Roll back when the e-process reaches 1/alpha: evidence that the firing rate exceeds p0."""

    rule: Literal["e_process"] = "e_process"
    """Its name."""
    p0: float = Field(gt=0, lt=1)
    """Upper bound of the false-positive rate, from the calibration."""
    alpha: float = Field(gt=0, lt=1)
    """Largest probability of ever rolling back a benign deployment."""
    ratios: tuple[float, ...] = RATIOS
    """Ratios p1/p0 of the alternatives in the mixture."""

    @model_validator(mode="after")
    def _leaves_an_alternative(self) -> EProcessRule:
        try:
            self.process()
        except ValueError as error:
            raise AssayError(
                f"the e-process cannot be used at p0 = {self.p0:g}: {error}"
            ) from error
        return self

    def process(self) -> MixtureEProcess:
        """The e-process with these constants."""
        return MixtureEProcess(self.p0, self.alpha, self.ratios)

    def holds(self, seen: int, fired: int) -> bool:
        """Whether these counts roll back."""
        return bool(self.process().crosses(seen, fired))

    def statistic(self, seen: int, fired: int) -> float:
        """Natural logarithm of E; the rule rolls back at log(1/alpha)."""
        return float(self.process().log_e(seen, fired))


class HandfulRule(Figures):
    """Roll back when more than a handful of conversations have fired."""

    rule: Literal["handful"] = "handful"
    """Its name."""
    handful: int = Field(ge=0)
    """h, the largest number of firings without a rollback."""
    alpha: float = Field(gt=0, lt=1)
    """Largest probability of rolling back a benign deployment within the horizon."""

    def holds(self, seen: int, fired: int) -> bool:
        """Whether these counts roll back."""
        return fired > self.handful

    def statistic(self, seen: int, fired: int) -> float:
        """The number of firings; the rule rolls back above ``handful``."""
        return float(fired)


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
    """Probability of rolling back within the horizon when firings become 10 times as frequent."""
    best_shift_power: float | None
    """Shift power of the handful rule at the largest Nφ that it allows, its best case; None for the
    e-process."""


def next_state(
    rule: EProcessRule | HandfulRule, state: RollbackState, fires: bool
) -> RollbackState:
    """The state after one more conversation. Only a conversation that fires can roll back."""
    state = replace(state, seen=state.seen + 1, fired=state.fired + int(fires))
    if fires and rule.holds(state.seen, state.fired):
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
    rule: EProcessRule | HandfulRule, rate_bound: float, horizon: int, tpr: float | None
) -> OperatingFigures:
    """The rule's figures over ``horizon`` conversations at the false-positive rate ``rate_bound``.

    ``tpr`` is τ, the probability that a defecting conversation fires; None where not measured.
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
