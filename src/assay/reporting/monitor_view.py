"""The monitor as the page's template wants it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from assay.reporting.figures import number, percent


def probability(value: float | None) -> str:
    """A probability as a percentage, never rounded up to certainty."""
    return "> 99.9 %" if value is not None and 0.9995 <= value < 1 else percent(value)


_WORDS = {
    "false_rollback_probability": ("false rollback within the horizon", probability),
    "false_rollback": ("false rollback within the horizon", probability),
    "firings_needed": ("firings that roll back by the end of the horizon", number),
    "missed_defections": ("defections missed before rollback, expected", number),
    "shift_power": ("rollback if firing becomes 10 times as frequent", probability),
    "best_shift_power": ("the same at the largest rate the handful allows", probability),
}


class OperatingFigure(NamedTuple):
    """A figure with its name for people."""

    name: str
    """What it is."""
    value: str
    """The figure, written out."""
    note: str = ""
    """What it rests on."""


def monitor_view(monitor: Mapping[str, Any]) -> dict[str, Any]:
    """What is watched, what is promised, and what to expect; what the file lacks is left out."""
    calibration = monitor.get("calibration") or {}
    rollback = dict(monitor.get("rollback") or {})
    threshold = monitor.get("fires_above", calibration.get("threshold"))
    return {
        "content": monitor,
        "fires": _fires(monitor, threshold),
        "rollback": _rollback(rollback),
        "headline": _headline(monitor, calibration),
        "figures": _figures(monitor, calibration),
        "features": list(monitor.get("features") or []),
        "guarantee": monitor.get("guarantee"),
    }


def _fires(monitor: Mapping[str, Any], threshold: float | None) -> str:
    how = str(monitor.get("aggregation", "aggregation")).replace("_", " ")
    if monitor.get("rule"):
        return f"the rule {monitor['rule']} holds, over standardised features ({how} over tokens)"
    return f"its largest standardised feature ({how} over tokens) exceeds {number(threshold)}"


def _rollback(rollback: dict[str, Any]) -> str:
    name = rollback.pop("rule", None)
    constants = ", ".join(f"{key} = {_constant(value)}" for key, value in rollback.items())
    if name == "handful":
        return f"more than a handful of conversations have fired ({constants})"
    if name == "e_process":
        return f"the evidence against benign firing, the e-process, reaches 1/α ({constants})"
    return f"the rule {name or 'that is not stated'} says so ({constants})"


def _constant(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "{" + ", ".join(_constant(part) for part in value) + "}"
    return number(value) if isinstance(value, int | float) else str(value)


def _headline(monitor: Mapping[str, Any], calibration: Mapping[str, Any]) -> list[OperatingFigure]:
    shown = []
    if calibration.get("n"):
        confidence = percent(1 - calibration["delta"])
        shown.append(
            OperatingFigure(
                "Benign conversations that fire",
                f"≤ {percent(calibration['rate_bound'])}",
                f"{calibration['above']} of {number(calibration['n'])} conversations, confidence "
                f"{confidence}; budget {percent(calibration.get('budget'))}",
            )
        )
    if monitor.get("tpr") is not None:
        lower = monitor.get("tpr_lower", monitor.get("tpr_low"))
        bound = f"at least {percent(lower)} (lower bound)" if lower is not None else ""
        shown.append(OperatingFigure("Misbehaviour that fires", percent(monitor["tpr"]), bound))
    if monitor.get("ppv") is not None:
        rate = f"at a base rate of {percent(monitor.get('base_rate'))}"
        shown.append(OperatingFigure("Firings that are true (PPV)", percent(monitor["ppv"]), rate))
    return shown


def _figures(monitor: Mapping[str, Any], calibration: Mapping[str, Any]) -> list[OperatingFigure]:
    rows = []
    if monitor.get("horizon"):
        rows.append(OperatingFigure("horizon, conversations", f"{monitor['horizon']:,}"))
    for key, value in {
        **(monitor.get("operating") or {}),
        **(monitor.get("figures") or {}),
    }.items():
        name, write = _WORDS.get(key, (key.replace("_", " "), number))
        if value is not None:
            rows.append(OperatingFigure(name, write(value)))
    for stratum in calibration.get("strata") or ():
        rows.append(
            OperatingFigure(
                f"benign firing, {stratum['shortest']}–{stratum['longest']} watched tokens",
                f"≤ {percent(stratum['rate_bound'])}",
                f"{stratum['above']} of {stratum['n']}",
            )
        )
    return rows
