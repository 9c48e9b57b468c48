"""A status from a figure and its criterion."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from assay.safety_case.criteria import Criterion
from assay.safety_case.nodes import Status
from assay.safety_case.phrases import between_shares, share

STRENGTH: tuple[Status, ...] = ("defeated", "open", "weak", "supported")
"""From weakest to strongest."""


class Judgement(NamedTuple):
    """A status and its reason."""

    status: Status
    """How well the evidence supports the claim."""
    why: str
    """Which criterion decided, with the figures."""


def weakest(statuses: Iterable[Status]) -> Status:
    """The weakest of one or more statuses."""
    return min(statuses, key=STRENGTH.index)


def keeps(criterion: Criterion, figure: float) -> bool:
    """Whether a figure keeps the criterion's fixed limit."""
    limit = criterion.value()
    if criterion.side == "above":
        return figure > limit
    return figure <= limit if criterion.side == "at most" else figure >= limit


def grade(ci: tuple[float, float], criterion: Criterion, what: str) -> Judgement:
    """Supported, defeated, or else weak, by where an interval of shares lies.

    More must be better, and both limits fixed.
    """
    limit, shown = share(criterion.value()), f"{what} {between_shares(ci)}"
    if keeps(criterion, ci[0]):
        return Judgement("supported", f"{shown} reaches {limit}.")
    if criterion.defeated is not None and ci[1] < criterion.defeated:
        least = share(criterion.defeated)
        asked = "" if least == limit else f" (asked: {limit})"
        return Judgement("defeated", f"{shown} lies wholly below {least}{asked}.")
    if ci[1] < criterion.value():
        least = (
            "" if criterion.defeated is None else f"; defeated below {share(criterion.defeated)}"
        )
        return Judgement("weak", f"{shown} lies wholly below the {limit} asked{least}.")
    return Judgement("weak", f"{shown}: the lower end is below the {limit} asked.")


def by_p(p: float, criterion: Criterion) -> Status:
    """Supported, weak or defeated by a p whose smallness speaks against the claim."""
    if keeps(criterion, p):
        return "supported"
    return "defeated" if criterion.defeated is not None and p < criterion.defeated else "weak"


def capped(judgement: Judgement, *reasons: str) -> Judgement:
    """The judgement, but weak at most, with the reasons added; unchanged without a reason."""
    if not reasons:
        return judgement
    status = weakest([judgement.status, "weak"])
    return Judgement(status, " ".join((judgement.why, *reasons)))


def worse(first: Judgement, second: Judgement) -> Judgement:
    """Both judgements as one: the weaker status, the sentences of both."""
    status = weakest([first.status, second.status])
    return Judgement(status, f"{first.why} {second.why}")
