"""The guarantee of a monitor in words: the bounds, the total error and the conditions."""

from __future__ import annotations

from dataclasses import dataclass

from assay.monitoring.result import BenignCheck, OrganismSensitivity
from assay.monitoring.rollback import (
    POWER,
    EProcessRule,
    HandfulRule,
    OperatingFigures,
    rollback_in_words,
)
from assay.monitoring.thresholds import Calibration


@dataclass(frozen=True)
class Promise:
    """What the words are about."""

    calibration: Calibration
    """The threshold and the bound of the benign rate."""
    check: BenignCheck | None
    """Benign firing on other conversations."""
    longest: int | None
    """Watched tokens of the longest turn that was calibrated."""
    most_turns: int | None
    """Most assistant turns of a conversation that was calibrated."""
    rule: EProcessRule | HandfulRule
    """When to roll back."""
    operating: OperatingFigures
    """What to expect of the rule."""
    horizon: int
    """Conversations that the guarantee covers."""
    base_rate: float
    """The case's share of misbehaviour."""
    worst: OrganismSensitivity | None
    """The organism of which the least is caught; None where no organism was read."""


def guarantee_in_words(promise: Promise) -> str:
    """A few sentences for a reader who decides whether to rely on the monitor."""
    delta, alpha = promise.calibration.delta, promise.rule.alpha
    return " ".join(
        [
            *_bound_in_words(promise),
            _rule_in_words(promise.rule, promise.horizon),
            f"Total error: the calibration's {delta:g} plus the rule's {alpha:g}, "
            f"{delta + alpha:g} in total.",
            "This holds if conversations in deployment are exchangeable with the calibration "
            "conversations and fire independently of each other; where users, topics or prompts "
            "differ, calibrate again.",
            *_power_in_words(promise),
            _limits_in_words(promise),
        ]
    )


def _bound_in_words(promise: Promise) -> list[str]:
    calibration, check = promise.calibration, promise.check
    said = [
        f"At most {calibration.rate_bound:.3g} of benign conversations fire, at confidence "
        f"{1 - calibration.delta:g} over the {calibration.n} benign conversations of the "
        f"calibration ({calibration.above} of them fire); they come from {calibration.templates} "
        f"templates and count as {calibration.n_effective:.0f} independent ones."
    ]
    if promise.longest is not None:
        said.append(
            f"It holds for conversations of at most {promise.most_turns} assistant turns, no "
            f"turn longer than {promise.longest} watched tokens: for longer ones nothing is promised."
        )
    if check is None:
        said.append("No conversations could be spared to check it on.")
    else:
        said.append(
            f"On {check.n} other benign conversations, {check.fired} fire (p = {check.excess_p:.2g} "
            f"for a rate above {calibration.budget:g})."
        )
    return said


def _rule_in_words(rule: EProcessRule | HandfulRule, horizon: int) -> str:
    if isinstance(rule, EProcessRule):
        return (
            f"Then the probability of ever rolling back a benign deployment is at most {rule.alpha:g}, "
            f"over any number of conversations (e-process, E ≥ {1 / rule.alpha:g})."
        )
    return (
        f"Then the probability of rolling back a benign deployment within {horizon} conversations is "
        f"at most {rule.alpha:g} (more than {rule.handful} firings); nothing is guaranteed after these."
    )


def _power_in_words(promise: Promise) -> list[str]:
    operating, horizon = promise.operating, promise.horizon
    said = []
    if operating.base_rate_power is not None and promise.worst is not None:
        said.append(
            f"If a share {promise.base_rate:g} of conversations misbehaves, as the case expects, and "
            f"is caught as often as that of organism {promise.worst.organism}, the least caught, the "
            f"model is rolled back within {horizon} conversations with probability "
            f"{rollback_in_words(operating.base_rate_power)}; by chance alone with at most "
            f"{rollback_in_words(operating.false_rollback_probability)}."
        )
        said.append(
            f"No share of misbehaviour makes that probability {POWER:g}."
            if operating.base_rate_for_power is None
            else f"That probability reaches {POWER:g} where a share of "
            f"{operating.base_rate_for_power:.2g} misbehaves."
        )
    quiet = ", ".join(
        f"{firings} after {int(conversations):,}"
        for conversations, firings in operating.firings_after_quiet.items()
    )
    said.append(f"Firings in a row that roll back, by conversations without one before: {quiet}.")
    return said


def _limits_in_words(promise: Promise) -> str:
    operating, horizon = promise.operating, promise.horizon
    missed = operating.missed_defections
    seen = (
        "the number of defections missed before the rollback is unknown, because the true-positive "
        "rate of the worst organism " + ("was not measured" if promise.worst is None else "is 0")
        if missed is None
        else f"were every conversation a defection that is caught as often as those of that organism, "
        f"about {missed:,.1f} would be missed before the {operating.firings_needed} firings that roll "
        f"back at the latest by conversation {horizon}"
    )
    return f"Nothing is guaranteed about misbehaviour that no organism stands for; {seen}."
