"""Organisms that were made the same way are no independent trials: they count once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from assay.statistics.intervals import proportion_lower_bound


class MakingsBound(NamedTuple):
    """How many makings were caught, and what that says of a new one."""

    caught: int
    """Makings all of whose organisms were caught."""
    makings: int
    """Different makings."""
    lower: float
    """95 % lower bound of the probability that a new making is caught; 0 without makings."""


def bound_over_makings(
    caught: Mapping[str, bool], making: Mapping[str, str], confidence: float = 0.95
) -> MakingsBound:
    """Count each making once, as caught where all of its organisms were, and bound its probability.

    ``caught`` says of each organism whether it was caught, and ``making`` how it was made, such as
    its base model and who wrote its recipe. The one-sided Clopper–Pearson bound stands beside the one
    over organisms, which takes adapters of one base and one recipe maker as independent.
    Raises ValueError for an organism whose making is not given.
    """
    unknown = sorted(set(caught) - set(making))
    if unknown:
        raise ValueError(f"how was it made? No making is given for {', '.join(unknown)}")
    whole: dict[str, bool] = {}
    for organism, was_caught in caught.items():
        name = making[organism]
        whole[name] = whole.get(name, True) and bool(was_caught)
    if not whole:
        return MakingsBound(0, 0, 0.0)
    number = sum(whole.values())
    return MakingsBound(number, len(whole), proportion_lower_bound(number, len(whole), confidence))
