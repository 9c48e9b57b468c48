"""How figures are written for people: never more digits than the interval supports."""

from __future__ import annotations

import math
from collections.abc import Iterable

from assay.evidence import Evidence


def percent(value: float | None) -> str:
    """A share as a percentage: one decimal, two digits below 1 %."""
    if value is None or not math.isfinite(value):
        return "–"
    points = 100 * value
    if 0 < abs(points) < 1:
        return f"{points:.2g} %"
    return f"{points:.1f} %" if abs(points) < 99.95 and round(points, 6) % 1 else f"{points:.0f} %"


def number(value: float | None) -> str:
    """A figure with three significant digits."""
    if value is None or not math.isfinite(value):
        return "–"
    if value and abs(value) < 1e-3:
        return f"{value:.1e}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def interval(ci: tuple[float, float] | None, as_percent: bool = False) -> str:
    """An interval in brackets, or nothing where there is none."""
    if ci is None:
        return ""
    write = percent if as_percent else number
    return f"[{write(ci[0])}, {write(ci[1])}]"


def find(records: Iterable[Evidence], metric: str) -> Evidence | None:
    """The record of a metric, if it was measured."""
    return next((record for record in records if record.metric == metric), None)
