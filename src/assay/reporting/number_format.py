"""How figures are written for people: never more digits than the interval supports."""

from __future__ import annotations

import math
from collections.abc import Sequence

NOTHING = "–"
"""What stands where there is no figure."""


def percent(value: float | None) -> str:
    """A share as a percentage: one decimal, two digits below 1 %."""
    if value is None or not math.isfinite(value):
        return NOTHING
    points = 100 * value
    if 0 < abs(points) < 1:
        return f"{points:.2g} %"
    return f"{points:.1f} %" if abs(points) < 99.95 and round(points, 6) % 1 else f"{points:.0f} %"


def probability(value: float | None) -> str:
    """A probability as a percentage, never rounded up to certainty."""
    return "> 99.9 %" if value is not None and 0.9995 <= value < 1 else percent(value)


def number(value: float | None) -> str:
    """A figure with three significant digits."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if value and abs(value) < 1e-3:
        return f"{value:.1e}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def interval(ci: Sequence[float | None] | None, as_percent: bool = False) -> str:
    """An interval in brackets with three significant digits, or nothing where there is none."""
    if ci is None:
        return ""
    low, high = ci
    write = percent if as_percent else number
    if low is not None and high is not None and low != high and write(low) == write(high):
        # So narrow that the usual digits show no width.
        scale, unit = (100, " %") if as_percent else (1, "")
        return f"[{scale * low:.6g}{unit}, {scale * high:.6g}{unit}]"
    return f"[{write(low)}, {write(high)}]"


def decimals(value: float | None) -> str:
    """An AUROC or a rate with two decimals, never rounded up to 1."""
    if value is None:
        return NOTHING
    return "> .99" if 0.995 <= value < 1 else f"{value:.2f}"


def ends(ci: Sequence[float] | None) -> str:
    """An interval in brackets with two decimals, or nothing where there is none.

    Ends below 1 are never rounded up to it.
    """
    return "" if ci is None else f"[{decimals(ci[0])}, {decimals(ci[1])}]"


def yes_or_no(value: bool | None) -> str:
    """Yes, no, or a dash where it is not known."""
    return NOTHING if value is None else "yes" if value else "no"


def words(name: str) -> str:
    """A name in the code, such as logistic_regression, for people."""
    return name.replace("_", " ")


def split_words(name: str) -> str:
    """The name of a split for people: held-out."""
    return name.replace("_", "-")
