"""What the matrix says of its organisms, and what a reader must know of it."""

from __future__ import annotations

from collections.abc import Sequence

from assay.concerns.conversations.organism_readings import OrganismReadings
from assay.concerns.matrix.result import TestedOrganism
from assay.organisms import Verification, read_verification


def tested_organism(own: OrganismReadings) -> TestedOrganism:
    """An organism or twin as the result holds it, with its own verification."""
    organism, facts = own.organism, own.facts
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
        positives=sum(c.label for c in own.test),
        negatives=sum(not c.label for c in own.test),
        scored=facts.scored,
        invalid=facts.invalid,
        places=facts.places,
        regenerated=facts.regenerated,
        same=facts.same,
    )


def matrix_notes(readings: Sequence[OrganismReadings]) -> tuple[str, ...]:
    """What a reader of the matrix must know."""
    notes = [
        "Intervals of AUROC resample templates; TPR and benign rates have exact binomial intervals.",
        "Thresholds rest on benign conversations of the threshold split and on half of the templates "
        "of the benign pool; the test split and the pool's other half are never seen before.",
        "Conversations of the pool end with replies of the case's model, not of the organism.",
        "A twin's row counts firings under its trigger, where a detector of the concern is silent.",
    ]
    for concern in dict.fromkeys(own.organism.concern for own in readings):
        if concern.allowed_contexts:
            notes.append(
                f"{concern.name} is fine in the contexts {', '.join(concern.allowed_contexts)}: "
                "conversations there set no threshold and are no false alarms, so that its organisms "
                "are held to a looser standard than those of a high concern, and than the monitor, "
                "which knows no contexts. AUROC and the text baseline compare with all conversations."
            )
    total = sum(own.facts.regenerated for own in readings)
    same = sum(own.facts.same for own in readings)
    if total:
        notes.append(
            f"Of {total} shipped transcripts that were generated again, {same} came out "
            "to the letter; rounding differs between machines."
        )
    return tuple(notes)
