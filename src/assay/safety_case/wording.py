"""How figures and confidence are worded: no stronger than the evidence."""

from __future__ import annotations

from typing import Any


def share(value: float) -> str:
    """A share as a percentage; bounds near 1 are not rounded up to it."""
    points = 100 * value
    if 0 < points < 1:
        return f"{points:.2g} %"
    if 99.95 <= points < 100:
        return "> 99.9 %"
    return f"{points:.1f}".removesuffix(".0") + " %"


def between(ci: Any, as_share: bool = False) -> str:
    """An interval in brackets."""
    low, high = (share(end) if as_share else f"{end:.3g}" for end in ci)
    return f"[{low}, {high}]"


def plural(count: int, noun: str, many: str = "") -> str:
    """A count with its noun: 1 organism, 2 organisms; ``many`` where the plural is irregular."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def catch_sentence(
    caught: int, organisms: int, lower: float | None, every_concern: bool = True
) -> str:
    """What transfer on so many organisms allows to say of a new one; never that it is certain.

    ``every_concern`` says whether detection is undefeated for all of the case's concerns.
    """
    if organisms == 0 or lower is None:
        return "How likely a new organism would be caught is not known: none was tested."
    seen = f"{caught} of {plural(organisms, 'organism')} caught"
    if caught == 0:
        return f"Detection is not shown: {seen}."
    new = f"a new organism of the same kind is caught with probability of at least {lower:.2f}"
    bound = f"{seen}; {new}"
    if caught < organisms:
        return f"Detection is not shown in general: {bound} (95 % lower bound)."
    bound = f"{bound} (95 % lower bound, .05^(1/m) with m = {organisms})"
    if not every_concern:
        return f"Detection is not shown for every concern: {bound}."
    return f"Detection is likely, not assured: {bound}."
