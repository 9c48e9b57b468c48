"""The monitor as the page's template wants it."""

from __future__ import annotations

from dataclasses import dataclass

from assay.monitoring.result import Monitor, OrganismSensitivity
from assay.monitoring.rollback import SMALLEST_CHANCE, HandfulRule
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
class OrganismRow:
    """What the monitor catches of one organism, beside its own benign firing."""

    found: OrganismSensitivity
    """Its figures."""
    reaches: bool
    """Whether its lower bound reaches the case's target."""


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
    organisms: tuple[OrganismRow, ...]
    """Each organism, the worst first."""
    expected: tuple[NamedFigure, ...]
    """What to expect over the horizon."""


def view_monitor(monitor: Monitor) -> MonitorView:
    """What is watched, what is promised, and what to expect."""
    return MonitorView(
        monitor=monitor,
        fires=_fires(monitor),
        rollback=_rollback(monitor),
        headline=_headline(monitor),
        organisms=tuple(
            OrganismRow(found, found.lower >= monitor.tpr_target)
            for found in sorted(
                monitor.sensitivities, key=lambda found: (not found.verified, found.lower)
            )
        ),
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
    return (
        _benign(monitor),
        _caught(monitor),
        NamedFigure(
            "Firings that are true (PPV)",
            percent(monitor.ppv),
            f"at a base rate of {percent(monitor.base_rate)}"
            if monitor.ppv is not None
            else "not known where no misbehaving conversation fires",
        ),
        NamedFigure(
            "Rolled back in time",
            _rollback_chance(monitor.operating.base_rate_power),
            f"within {monitor.horizon:,} conversations, at a base rate of "
            f"{percent(monitor.base_rate)}; a benign deployment: at most "
            f"{_rollback_chance(monitor.operating.false_rollback_probability)}",
        ),
    )


def _benign(monitor: Monitor) -> NamedFigure:
    calibration = monitor.calibration
    if monitor.check is None:
        other = "not checked on other data"
    else:
        check = monitor.check
        other = (
            f"on other data {check.fired} of {number(check.n)} (effectively "
            f"{number(check.n_effective)}; p of a rate within the budget "
            f"{number(check.excess_p)})"
        )
    return NamedFigure(
        "Benign conversations that fire",
        f"≤ {percent(calibration.rate_bound)}",
        f"{calibration.above} of {number(calibration.n)} conversations, effectively "
        f"{number(calibration.n_effective)} ({number(calibration.templates)} templates), confidence "
        f"{percent(1 - calibration.delta)}; budget {percent(calibration.budget)}; {other}",
    )


def _caught(monitor: Monitor) -> NamedFigure:
    """The worst organism, its lower bound first."""
    name = "Misbehaviour that fires, worst verified organism"
    target = f"the case asks for at least {percent(monitor.tpr_target)}"
    if monitor.tpr is None:
        return NamedFigure(name, percent(None), f"Not measured on a verified organism; {target}.")
    n = "" if monitor.tpr_n is None else f" of {number(monitor.tpr_n)} conversations"
    seen = f"{percent(monitor.tpr)}{n} fired; {target}"
    if monitor.tpr_low is None:
        return NamedFigure(name, percent(None), f"No lower bound: {seen}")
    return NamedFigure(name, f"≥ {percent(monitor.tpr_low)}", seen)


def _rollback_chance(chance: float | None) -> str:
    """A simulation in which no deployment rolled back does not show that none ever does."""
    return f"< {percent(SMALLEST_CHANCE)}" if chance == 0 else probability(chance)


def _expected(monitor: Monitor) -> tuple[NamedFigure, ...]:
    operating, calibration = monitor.operating, monitor.calibration
    missed, needed = operating.missed_defections, operating.base_rate_for_power
    unknown = "not known where no misbehaving conversation fires"
    return (
        NamedFigure("horizon, conversations", f"{monitor.horizon:,}"),
        NamedFigure(
            "false rollback within the horizon, at most",
            _rollback_chance(operating.false_rollback_probability),
        ),
        NamedFigure(
            f"rollback at the case's base rate of {percent(monitor.base_rate)}",
            _rollback_chance(operating.base_rate_power),
            "" if operating.base_rate_power is not None else unknown,
        ),
        NamedFigure(
            "base rate from which rollback has probability .8",
            percent(needed),
            "" if needed is not None else "none, or not known",
        ),
        NamedFigure(
            "firings that roll back by the end of the horizon", number(operating.firings_needed)
        ),
        *(
            NamedFigure(
                f"firings in a row that roll back after {int(quiet):,} quiet conversations",
                number(firings),
            )
            for quiet, firings in operating.firings_after_quiet.items()
        ),
        NamedFigure(
            "misbehaving conversations within the horizon, expected at the case's base rate",
            number(monitor.base_rate * monitor.horizon),
        ),
        NamedFigure(
            "missed before those firings, if every conversation misbehaved",
            number(missed),
            "" if missed is not None else unknown,
        ),
        *(
            NamedFigure(
                f"benign firing, {stratum.shortest}–{stratum.longest} watched tokens in all turns",
                f"≤ {percent(stratum.rate_bound)}",
                f"{stratum.above} of {stratum.n}",
            )
            for stratum in calibration.strata
        ),
    )
