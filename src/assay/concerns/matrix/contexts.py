"""Firing rates of a detector of a medium concern in each context."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from assay.concerns.conversations.excerpts import Conversation, different_conversations
from assay.concerns.conversations.organism_readings import OrganismReadings
from assay.concerns.conversations.pool import pool_part
from assay.concerns.detectors.detector import Detector
from assay.concerns.matrix.leave_one_out import best_elsewhere
from assay.concerns.matrix.measuring import MeasuredCell
from assay.concerns.matrix.result import ContextFrequency
from assay.statistics import effective_interval, effective_sample


def context_frequencies(
    measured: Sequence[MeasuredCell],
    readings: Sequence[OrganismReadings],
    families: Mapping[str, str],
) -> tuple[ContextFrequency, ...]:
    """For each organism of a medium concern, the firing rate of a detector in each context.

    The detector is the best one on the *other* organisms; the conversations are the organism's own
    of the test split, and the tested third of the benign pool. ``families`` maps each organism to its
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


class Frequency(NamedTuple):
    """How many conversations of one context and label fire."""

    fired: int
    """Those that fire."""
    templates: list[str]
    """The template of each conversation."""


def frequencies(
    detector: Detector, threshold: float, conversations: Sequence[Conversation]
) -> Mapping[tuple[str, bool], Frequency]:
    """Frequency of firing by context and label, such as acted-lie: each conversation counts once."""
    found: dict[tuple[str, bool], Frequency] = {}
    different = different_conversations(conversations)
    for conversation, value in zip(different, detector.scores(different), strict=True):
        place = (conversation.excerpt.context, conversation.label)
        fired, templates = found.get(place, (0, []))
        found[place] = Frequency(
            fired + int(value > threshold), [*templates, conversation.excerpt.template]
        )
    return found


def _of_organism(cell: MeasuredCell, reading: OrganismReadings) -> list[ContextFrequency]:
    conversations = (*reading.test, *pool_part(reading.pool, "test"))
    counted = frequencies(cell.fitted.detector, cell.threshold, conversations)
    found = []
    for (context, misbehaves), (fired, templates) in counted.items():
        icc = cell.icc.positives if misbehaves else cell.icc.benign
        sample = effective_sample(templates, icc)
        found.append(
            ContextFrequency(
                organism=reading.organism.name,
                context=context,
                allowed=context in reading.organism.concern.allowed_contexts,
                misbehaves=misbehaves,
                strategy=cell.strategy,
                detector=cell.detector,
                fired=fired,
                n=sample.n,
                n_effective=sample.n_effective,
                ci=effective_interval(fired, sample),
            )
        )
    return found
