"""The guarantee in words: what is promised, at which total error, and on what condition."""

from __future__ import annotations

from assay.monitoring.rollback import EProcessRule, HandfulRule, OperatingFigures
from assay.monitoring.thresholds import Calibration


def guarantee_in_words(
    calibration: Calibration,
    rule: EProcessRule | HandfulRule,
    operating: OperatingFigures,
    horizon: int,
) -> str:
    """A few sentences for a reader who decides whether to rely on the monitor."""
    total = calibration.delta + rule.alpha
    return " ".join(
        [
            f"At most {calibration.rate_bound:.3g} of benign conversations fire, at confidence "
            f"{1 - calibration.delta:g} over the {calibration.n} benign conversations of the "
            f"calibration ({calibration.above} of them fire).",
            _rule_in_words(rule, horizon),
            f"Total error: the calibration's {calibration.delta:g} plus the rule's {rule.alpha:g}, "
            f"{total:g} in all.",
            "This holds if conversations in deployment are exchangeable with the calibration "
            "conversations and fire independently of each other; where users, topics or prompts "
            "differ, calibrate again.",
            _limits_in_words(operating, horizon),
        ]
    )


def _rule_in_words(rule: EProcessRule | HandfulRule, horizon: int) -> str:
    if isinstance(rule, EProcessRule):
        return (
            f"Then a benign deployment is ever rolled back with probability at most {rule.alpha:g}, "
            f"over any number of conversations (e-process, E ≥ {1 / rule.alpha:g})."
        )
    return (
        f"Then a benign deployment is rolled back within {horizon} conversations with probability "
        f"at most {rule.alpha:g} (more than {rule.handful} firings); beyond them nothing is promised."
    )


def _limits_in_words(operating: OperatingFigures, horizon: int) -> str:
    missed = operating.missed_defections
    seen = (
        "how many defections go unseen before the rollback is unknown, because the true-positive "
        "rate was not measured or is 0"
        if missed is None
        else f"about {missed:,.1f} defections are expected to go unseen before the "
        f"{operating.firings_needed} firings that roll back at the latest by conversation {horizon}, "
        "if defections in deployment are caught as often as those of the held-out organisms"
    )
    return f"Nothing is guaranteed about misbehaviour that no organism stands for; {seen}."
