"""Descriptions in the transfer matrix: its organisms, and notes for its readers."""

from __future__ import annotations

from collections.abc import Sequence

from assay.concerns.conversations.organism_readings import OrganismReadings
from assay.concerns.matrix.result import TestedOrganism
from assay.organisms import Verification, read_verification


def tested_organism(reading: OrganismReadings) -> TestedOrganism:
    """The record of an organism or twin in the matrix, with its verification."""
    organism, facts = reading.organism, reading.facts
    verification: Verification | None = read_verification(organism.organism)
    twin_kind = organism.organism.twin_kind
    return TestedOrganism(
        name=organism.name,
        family=organism.family,
        concern=organism.concern.name,
        severity=organism.concern.severity,
        twin_of=organism.parent.name if organism.parent is not None else None,
        twin_kind=twin_kind if organism.is_twin else None,
        admitted=bool(verification and verification.admitted),
        reason="; ".join(verification.reasons) if verification else "not verified",
        positives=sum(c.label for c in reading.test),
        negatives=sum(not c.label for c in reading.test),
        scored=facts.scored,
        invalid=facts.invalid,
        places=facts.places,
        regenerated=facts.regenerated,
        same=facts.same,
    )


def matrix_notes(readings: Sequence[OrganismReadings]) -> tuple[str, ...]:
    """Notes for a reader of the matrix."""
    notes = [
        "Intervals of AUROC come from a bootstrap over templates; intervals of TPR and benign rates "
        "are exact binomial.",
        "Thresholds rest on benign conversations of the threshold split and on half of the templates "
        "of the benign pool; the test split and the other half of the pool are used for testing only.",
        "The replies in the benign pool were written by the case's model, not by the organism.",
        "A twin's row counts firings under the trigger, where a detector of the concern must not fire.",
    ]
    for concern in dict.fromkeys(reading.organism.concern for reading in readings):
        if concern.allowed_contexts:
            notes.append(
                f"{concern.name} is acceptable in the contexts {', '.join(concern.allowed_contexts)}: "
                "conversations in these contexts do not set thresholds and do not count as false "
                "positives. Its organisms are therefore judged by a looser standard than those of a "
                "high concern, and than the monitor, which does not distinguish contexts. AUROC and "
                "the text baseline use all conversations."
            )
    total = sum(reading.facts.regenerated for reading in readings)
    same = sum(reading.facts.same for reading in readings)
    if total:
        notes.append(
            f"Of {total} shipped transcripts that were generated again, {same} were "
            "identical; rounding differs between machines."
        )
    return tuple(notes)
