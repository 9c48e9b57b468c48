"""Run the strategies: those that generate once, the others for each tested organism."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from assay.concerns.concern import Concern
from assay.concerns.conversations.organism_readings import OrganismReadings
from assay.concerns.conversations.saving import load_conversations, save_conversations
from assay.concerns.strategies import base, few_shot, finetune, off_policy
from assay.concerns.strategies.strategy import Elicited, Setting
from assay.concerns.strategies.strategy_registry import StrategyChoice, strategy_named
from assay.models import LanguageModel, Site
from assay.results import Figures, Result

CONVERSATIONS = "elicited.safetensors"


class ElicitedFacts(Figures):
    """Counts and note of a strategy that generates, without its conversations."""

    strategy: str
    """The strategy."""
    discarded: int
    """Number of generated conversations that were not used."""
    refused: int
    """Number of conversations in which the model was asked to misbehave and did not."""
    note: str
    """What a reader must know."""


class Elicitation(Result):
    """elicitation.json: the strategies that generate; their conversations are in another file."""

    FILE: ClassVar[str] = "elicitation.json"
    MADE_BY: ClassVar[str] = "assay run CASE.yaml"

    version: Literal[1] = 1
    """Version of the layout."""
    strategies: tuple[ElicitedFacts, ...]
    """The strategies, in the order of the case file."""


def elicit_from_model(
    choices: Sequence[StrategyChoice], model: LanguageModel, site: Site, seed: int
) -> dict[str, Elicited]:
    """Conversations of every strategy that generates, by its name in ``choices``.

    They do not depend on any organism or concern. Raises AssayError for an unknown strategy or
    option.
    """
    general = Concern("any", "generic misbehaviour", "high")
    found = {}
    for choice in choices:
        strategy, in_name = strategy_named(choice.name)
        if strategy.generates:
            options = strategy.checked({**in_name, **choice.options})
            elicited = strategy.elicit(Setting(general, seed, model, site), options)
            found[choice.name] = replace(elicited, strategy=choice.name)
    return found


def elicit_for(
    choices: Sequence[StrategyChoice],
    tested: OrganismReadings | None,
    readings: Sequence[OrganismReadings],
    generated: Mapping[str, Elicited],
    *,
    concern: Concern,
    seed: int,
) -> list[Elicited]:
    """Conversations of every strategy, to learn detectors that are tested on the organism ``tested``.

    They come from the concern's other organisms (from all where ``tested`` is None), never from a
    twin. ``generated`` is the result of ``elicit_from_model``. Raises AssayError for an unknown
    strategy or option.
    """
    setting = _setting(tested, readings, concern, seed)
    found = []
    for choice in choices:
        strategy, in_name = strategy_named(choice.name)
        if strategy.generates:
            if choice.name in generated:
                found.append(generated[choice.name])
            continue
        options = strategy.checked({**in_name, **choice.options})
        found.append(replace(strategy.elicit(setting, options), strategy=choice.name))
    return found


def _setting(
    tested: OrganismReadings | None,
    readings: Sequence[OrganismReadings],
    concern: Concern,
    seed: int,
) -> Setting:
    of_concern = [r for r in readings if r.organism.concern == concern and not r.organism.is_twin]
    by_base = tuple(c for r in of_concern for c in r.base)
    return Setting(
        concern,
        seed,
        tested=tested.organism.family if tested is not None else None,
        readings={
            base.READING: by_base,
            finetune.READING: tuple(c for r in of_concern for c in r.discover),
            off_policy.READING: tested.others if tested is not None else by_base,
            few_shot.READING: tested.discover if tested is not None else (),
        },
    )


def save_elicited(folder: Path, elicited: Mapping[str, Elicited]) -> None:
    """Write the result of ``elicit_from_model`` into a folder."""
    conversations = {name: each.conversations for name, each in elicited.items()}
    save_conversations(folder / CONVERSATIONS, conversations)
    facts = tuple(
        ElicitedFacts(strategy=name, discarded=each.discarded, refused=each.refused, note=each.note)
        for name, each in elicited.items()
    )
    Elicitation(strategies=facts).write(folder)


def load_elicited(folder: Path) -> dict[str, Elicited]:
    """Read what ``save_elicited`` wrote. Raises AssayError where a file is missing or damaged."""
    conversations = load_conversations(folder / CONVERSATIONS)
    return {
        facts.strategy: Elicited(
            facts.strategy,
            conversations[facts.strategy],
            discarded=facts.discarded,
            refused=facts.refused,
            note=facts.note,
        )
        for facts in Elicitation.read(folder).strategies
    }
