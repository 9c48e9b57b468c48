"""How figures and confidence are put into words: no stronger than the evidence."""

from __future__ import annotations

from assay.concerns.matrix.admission import catch_lower_bound
from assay.concerns.matrix.result import CatchBound


def share(value: float) -> str:
    """A share as a percentage; bounds near 1 are not rounded up to it."""
    points = 100 * value
    if 0 < points < 1:
        return f"{points:.2g} %"
    if 99.95 <= points < 100:
        return "> 99.9 %"
    return f"{points:.1f}".removesuffix(".0") + " %"


def between_shares(interval: tuple[float, float]) -> str:
    """An interval of shares in brackets, as percentages."""
    return f"[{share(interval[0])}, {share(interval[1])}]"


def plural(count: int, noun: str, many: str = "") -> str:
    """A count with its noun: 1 organism, 2 organisms; ``many`` where the plural is irregular."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def catch_sentence(bound: CatchBound, every_concern: bool = True) -> str:
    """What catching so many organisms allows to say of a new one; never that it is certain.

    ``every_concern`` says whether detection is undefeated for all of the case's concerns.
    """
    lower = catch_lower_bound(bound.caught, bound.organisms)
    if lower is None:
        return "How likely a new organism would be caught is not known: none was tested."
    seen = f"{bound.caught} of {plural(bound.organisms, 'organism')} caught"
    if bound.caught == 0:
        return f"Detection is not shown: {seen}."
    new = f"a new organism made in one of these ways is caught with probability of at least {lower:.2f}"
    words = f"{seen}; {new}"
    if bound.caught < bound.organisms:
        shown = f"Detection is not shown in general: {words} (95 % lower bound)"
    else:
        words = f"{words} (95 % lower bound, .05^(1/m) with m = {bound.organisms})"
        shown = (
            f"Detection is likely, not assured: {words}"
            if every_concern
            else f"Detection is not shown for every concern: {words}"
        )
    return f"{shown}; {_new_making(bound)}."


def _new_making(bound: CatchBound) -> str:
    """What the ways of making organisms say: organisms made alike are not independent."""
    lower = catch_lower_bound(bound.caught_makings, bound.makings)
    if lower is None:
        return "how they were made is not stated"
    ways = plural(bound.makings, "way of making them", "ways of making them")
    return (
        f"one made in a new way with at least {lower:.2f} ({bound.caught_makings} of {ways} caught)"
    )
