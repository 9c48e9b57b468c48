"""The guarantee of a monitor in words: the bounds, the total error and the conditions."""

from __future__ import annotations

from assay.monitoring.rollback import EProcessRule, HandfulRule, OperatingFigures
from assay.monitoring.thresholds import Calibration


def guarantee_in_words(
    calibration: Calibration,
    rule: EProcessRule | HandfulRule,
    operating: OperatingFigures,
    horizon: int,
) -> str:
    """The guarantee in a few sentences, for a reader who decides whether to rely on the monitor."""
    total = calibration.delta + rule.alpha
    return " ".join(
        [
            f"At most {calibration.rate_bound:.3g} of benign conversations fire, at confidence "
            f"{1 - calibration.delta:g} over the {calibration.n} benign conversations of the "
            f"calibration ({calibration.above} of them fire).",
            _rule_in_words(rule, horizon),
            f"Total error: the calibration's {calibration.delta:g} plus the rule's {rule.alpha:g}, "
            f"{total:g} in total.",
            "This holds if conversations in deployment are exchangeable with the calibration "
            "conversations and fire independently of each other; where users, topics or prompts "
            "differ, calibrate again.",
            _limits_in_words(operating, horizon),
        ]
    )


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


def _limits_in_words(operating: OperatingFigures, horizon: int) -> str:
    missed = operating.missed_defections
    seen = (
        "the number of defections missed before the rollback is unknown, because the true-positive "
        "rate was not measured or is 0"
        if missed is None
        else f"about {missed:,.1f} defections are expected to be missed before the "
        f"{operating.firings_needed} firings that roll back at the latest by conversation {horizon}, "
        "if defections in deployment are caught as often as those of the held-out organisms"
    )
    return f"Nothing is guaranteed about misbehaviour that no organism stands for; {seen}."
