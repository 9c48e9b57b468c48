"""All conversations of a case with their activations, gathered from the stages that read them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.files import read_json
from assay.pipeline.elicitation import load_elicited
from assay.pipeline.organism_readings import ATTRIBUTION, CONFIRMED, READINGS

if TYPE_CHECKING:
    from assay.concerns.conversations import Conversation
    from assay.concerns.strategies import Elicited


@dataclass(frozen=True, eq=False)
class Readings:
    """All conversations of a case with their activations."""

    generated: dict[str, Elicited]
    """Strategies that needed the case's model, by name."""
    base: dict[str, tuple[Conversation, ...]]
    """Each organism's whole discover conversations, read by the case's model."""
    own: dict[str, dict[str, tuple[Conversation, ...]]]
    """Each organism's and twin's readings by itself: discover, threshold, test, others, pool."""
    facts: dict[str, dict[str, Any]]
    """How each was scored, and how many shipped transcripts were confirmed."""
    attribution: dict[str, dict[str, float]]
    """Each organism's features with their attribution, in nats."""


def load_readings(elicitation: Path, folders: dict[str, Path]) -> Readings:
    """Read what the elicitation stage and the organisms' reading stages wrote."""
    from assay.concerns.saved_conversations import load_conversations

    generated = load_elicited(elicitation)
    own = {name: load_conversations(folder / READINGS) for name, folder in folders.items()}
    facts = {name: read_json(folder / CONFIRMED) for name, folder in folders.items()}
    base = {name: found["base"] for name, found in own.items() if "base" in found}
    attribution = {
        name: read_json(folder / ATTRIBUTION)
        for name, folder in folders.items()
        if (folder / ATTRIBUTION).is_file()
    }
    return Readings(generated, base, own, facts, attribution)
