"""The monitor as the page's template wants it."""

from __future__ import annotations

from dataclasses import dataclass

from assay.monitoring.result import Monitor
from assay.monitoring.rollback import SHIFT, HandfulRule
from assay.reporting.number_format import number, percent, probability, words


@dataclass(frozen=True)
class NamedFigure:
    """A figure with its name for people."""

    name: str
    """What it is."""
    value: str
    """The figure, written out."""
    note: str = ""
    """What it rests on."""


@dataclass(frozen=True)
class MonitorView:
    """Everything that the section shows."""

    monitor: Monitor
    """All figures."""
    fires: str
    """When a conversation fires, in words."""
    rollback: str
    """When the model is rolled back, in words."""
    headline: tuple[NamedFigure, ...]
    """The figures that decide whether the monitor is worth having."""
    expected: tuple[NamedFigure, ...]
    """What to expect over the horizon."""


def view_monitor(monitor: Monitor) -> MonitorView:
    """What is watched, what is promised, and what to expect."""
    return MonitorView(
        monitor=monitor,
        fires=_fires(monitor),
        rollback=_rollback(monitor),
        headline=_headline(monitor),
        expected=_expected(monitor),
    )


def _fires(monitor: Monitor) -> str:
    how = words(monitor.aggregation)
    if monitor.rule is not None:
        return f"the rule {monitor.rule} holds, over standardised features ({how} over tokens)"
    return (
        f"its largest standardised feature ({how} over tokens) exceeds "
        f"{number(monitor.fires_above)}"
    )


def _rollback(monitor: Monitor) -> str:
    rule = monitor.rollback
    if isinstance(rule, HandfulRule):
        return (
            "more than a handful of conversations have fired "
            f"(handful = {rule.handful}, alpha = {number(rule.alpha)})"
        )
    ratios = ", ".join(number(ratio) for ratio in rule.ratios)
    return (
        "the evidence against benign firing, the e-process, reaches 1/α "
        f"(p0 = {number(rule.p0)}, alpha = {number(rule.alpha)}, ratios = {{{ratios}}})"
    )


def _headline(monitor: Monitor) -> tuple[NamedFigure, ...]:
    calibration = monitor.calibration
    benign = NamedFigure(
        "Benign conversations that fire",
        f"≤ {percent(calibration.rate_bound)}",
        f"{calibration.above} of {number(calibration.n)} conversations, confidence "
        f"{percent(1 - calibration.delta)}; budget {percent(calibration.budget)}",
    )
    target = f"the case asks for at least {percent(monitor.tpr_target)}"
    if monitor.tpr is None:
        caught = NamedFigure(
            "Misbehaviour that fires", percent(None), f"Not measured in this run; {target}."
        )
    else:
        n = "" if monitor.tpr_n is None else f" of {number(monitor.tpr_n)} conversations"
        low = (
            "no lower bound"
            if monitor.tpr_low is None
            else f"at least {percent(monitor.tpr_low)} (lower bound)"
        )
        caught = NamedFigure(
            "Misbehaviour that fires", f"{percent(monitor.tpr)}", f"{low}{n}; {target}"
        )
    rate = f"at a base rate of {percent(monitor.base_rate)}"
    true = NamedFigure(
        "Firings that are true (PPV)",
        percent(monitor.ppv),
        rate if monitor.ppv is not None else "Not known without a true-positive rate above 0.",
    )
    return benign, caught, true


def _expected(monitor: Monitor) -> tuple[NamedFigure, ...]:
    operating, calibration = monitor.operating, monitor.calibration
    missed = operating.missed_defections
    rows = [
        NamedFigure("horizon, conversations", f"{monitor.horizon:,}"),
        NamedFigure(
            "false rollback within the horizon", probability(operating.false_rollback_probability)
        ),
        NamedFigure(
            "firings that roll back by the end of the horizon", number(operating.firings_needed)
        ),
        NamedFigure(
            "misbehaving conversations missed before rollback, expected",
            number(missed),
            "" if missed is not None else "not known without a true-positive rate above 0",
        ),
        NamedFigure(
            f"rollback if firing becomes {SHIFT:.0f} times as frequent",
            probability(operating.shift_power),
        ),
    ]
    if operating.best_shift_power is not None:
        rows.append(
            NamedFigure(
                "the same at the largest rate that the handful allows",
                probability(operating.best_shift_power),
            )
        )
    rows += [
        NamedFigure(
            f"benign firing, {stratum.shortest}–{stratum.longest} watched tokens",
            f"≤ {percent(stratum.rate_bound)}",
            f"{stratum.above} of {stratum.n}",
        )
        for stratum in calibration.strata
    ]
    return tuple(rows)
