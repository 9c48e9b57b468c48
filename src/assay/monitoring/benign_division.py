"""Which benign conversations set centre and scale, and which the threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.concerns.budgets import Budgets
from assay.concerns.deployment import source_of, without_duplicates
from assay.statistics import effective_sample, least_n_for_rate
from assay.statistics.clusters import LEAST_ICC
from assay.text import Transcript

STANDARDISED_ON = 128
"""Benign conversations that set centre and scale, at most; the threshold rests on others."""


@dataclass(frozen=True)
class BenignDivision:
    """Benign conversations by what they are for."""

    scaling: tuple[Transcript, ...]
    """These set centre and scale."""
    calibrated: tuple[Transcript, ...]
    """These set the threshold, and check it; none of them is among the others."""
    seen: bool
    """Whether detectors were chosen by some of the latter."""

    @property
    def in_words(self) -> str:
        """A sentence on what the calibration's conversations served for before."""
        if self.seen:
            return (
                "The prompts of these conversations, read by the organisms, also served in the matrix "
                "that the detectors were chosen by."
            )
        return "No detector was chosen by these conversations."


def divide_benign(
    read: Sequence[Transcript], unread: Sequence[Transcript], budgets: Budgets
) -> BenignDivision:
    """Calibrate on conversations of templates that the matrix left unread, if these are enough.

    Otherwise on all. ``read`` are the conversations that the matrix reads. Where those of other
    templates are enough, the read ones set centre and scale; otherwise as many conversations do as the
    guarantee can spare.
    """
    templates = {source_of(t) for t in read}
    apart = [t for t in without_duplicates(unread) if source_of(t) not in templates]
    if _effective(apart) >= _needed(budgets):
        return BenignDivision(tuple(read[:STANDARDISED_ON]), tuple(apart), seen=False)
    everything = without_duplicates([*read, *unread])
    held = scaling_count(everything, budgets)
    return BenignDivision(tuple(everything[:held]), tuple(everything[held:]), seen=True)


def scaling_count(conversations: Sequence[Transcript], budgets: Budgets) -> int:
    """How many of the first conversations set centre and scale: as many as the guarantee can spare."""
    for spare in range(min(STANDARDISED_ON, len(conversations)), 1, -1):
        if _effective(conversations[spare:]) >= _needed(budgets):
            return spare
    return 0


def _effective(conversations: Sequence[Transcript]) -> float:
    return effective_sample([source_of(t) for t in conversations], LEAST_ICC).n_effective


def _needed(budgets: Budgets) -> int:
    return least_n_for_rate(budgets.fpr, budgets.delta)
