"""The elicitation stage: strategies that need the case's own model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from assay.concerns.concern import Concern
from assay.files import read_json, write_json
from assay.pipeline.case import Case
from assay.pipeline.organism_readings import READINGS

if TYPE_CHECKING:
    from assay.concerns.strategies import Elicited
    from assay.models import LanguageModel, Site

ELICITED = "elicited.json"


def run_elicitation(case: Case, model: LanguageModel, site: Site, folder: Path) -> None:
    """Write every generating strategy's conversations."""
    from assay.concerns.saved_conversations import save_conversations
    from assay.concerns.strategies import Setting, strategy_named

    general = Concern("any", "generic misbehaviour", "high")
    readings = {}
    facts = {}
    for choice in case.strategies:
        strategy, in_name = strategy_named(choice.name)
        if not strategy.generates:
            continue
        options = strategy.checked({**in_name, **choice.options})
        elicited = strategy.elicit(Setting(general, case.seed, model, site), options)
        readings[choice.name] = elicited.conversations
        facts[choice.name] = {
            "discarded": elicited.discarded,
            "refused": elicited.refused,
            "note": elicited.note,
        }
    save_conversations(folder / READINGS, readings)
    write_json(folder / ELICITED, facts)


def load_elicited(folder: Path) -> dict[str, Elicited]:
    """The generating strategies' conversations, by name."""
    from assay.concerns.saved_conversations import load_conversations
    from assay.concerns.strategies import Elicited

    facts = read_json(folder / ELICITED)
    readings = load_conversations(folder / READINGS)
    return {name: Elicited(name, readings[name], **facts[name]) for name in facts}
