"""Firing rates of a detector of a medium concern in each context."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.concerns.conversations.excerpts import Conversation
from assay.concerns.conversations.organism_readings import OrganismReadings
from assay.concerns.conversations.pool import pool_halves
from assay.concerns.detectors.detector import Detector
from assay.concerns.matrix.leave_one_out import best_elsewhere
from assay.concerns.matrix.measuring import MeasuredCell
from assay.concerns.matrix.result import ContextFrequency
from assay.statistics import clopper_pearson


def context_frequencies(
    measured: Sequence[MeasuredCell],
    readings: Sequence[OrganismReadings],
    families: Mapping[str, str],
) -> tuple[ContextFrequency, ...]:
    """For each organism of a medium concern, the firing rate of a detector in each context.

    The detector is the best one on the *other* organisms; the conversations are the organism's own
    of the test split, and the tested half of the benign pool. ``families`` maps each organism to its
    family.
    """
    found = []
    for reading in readings:
        organism = reading.organism
        if organism.is_twin or organism.concern.severity != "medium":
            continue
        pair = best_elsewhere(measured, organism.name, families)
        for cell in measured:
            if (cell.organism, (cell.strategy, cell.detector)) == (organism.name, pair):
                found += _of_organism(cell, reading)
                break
    return tuple(found)


def frequencies(
    detector: Detector, threshold: float, conversations: Sequence[Conversation]
) -> Mapping[tuple[str, bool], tuple[int, int]]:
    """(context, label) → (number of conversations that fire, number of conversations)."""
    found: dict[tuple[str, bool], tuple[int, int]] = {}
    for conversation, value in zip(conversations, detector.scores(conversations), strict=True):
        place = (conversation.excerpt.context, conversation.label)
        fired, n = found.get(place, (0, 0))
        found[place] = (fired + int(value > threshold), n + 1)
    return found


def _of_organism(cell: MeasuredCell, reading: OrganismReadings) -> list[ContextFrequency]:
    conversations = (*reading.test, *pool_halves(reading.pool)[1])
    counted = frequencies(cell.fitted.detector, cell.threshold, conversations)
    return [
        ContextFrequency(
            organism=reading.organism.name,
            context=context,
            allowed=context in reading.organism.concern.allowed_contexts,
            misbehaves=misbehaves,
            strategy=cell.strategy,
            detector=cell.detector,
            fired=fired,
            n=n,
            ci=clopper_pearson(fired, n),
        )
        for (context, misbehaves), (fired, n) in counted.items()
    ]
