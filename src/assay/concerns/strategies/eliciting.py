"""Run the strategies: those that generate once, the others for each tested organism."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from assay.concerns.concern import Concern
from assay.concerns.conversations.excerpts import Conversation
from assay.concerns.conversations.organism_readings import OrganismReadings
from assay.concerns.conversations.pool import pool_part
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
    choices: Sequence[StrategyChoice], model: LanguageModel, sites: Sequence[Site], seed: int
) -> dict[str, Elicited]:
    """Conversations of every strategy that generates, by its name in ``choices``.

    They do not depend on any organism or concern. The first of ``sites`` is the case's. Raises
    AssayError for an unknown strategy or option.
    """
    general = Concern("any", "generic misbehaviour", "high")
    found = {}
    for choice in choices:
        strategy, in_name = strategy_named(choice.name)
        if strategy.generates:
            options = strategy.checked({**in_name, **choice.options})
            elicited = strategy.elicit(Setting(general, seed, model, tuple(sites)), options)
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
    pool: Sequence[Conversation] = (),
    alone: bool = False,
) -> list[Elicited]:
    """Conversations of every strategy, to learn detectors that are tested on the organism ``tested``.

    They come from the organisms of all families but that of ``tested``, of whatever concern: what is
    learned is how misbehaviour looks, and it is learned the better the more organisms show it. With
    ``alone`` they come from the organisms of ``concern`` alone, and nothing of the pool is added.
    Decoy twins' conversations are negatives, odd but harmless, and so is the learning part of the
    benign pool, as each organism reads it: ``pool`` is how the case's model does. ``generated`` is
    the result of ``elicit_from_model``. Raises AssayError for an unknown strategy or option.
    """
    used = [r for r in readings if not alone or r.organism.concern == concern]
    setting = _setting(tested, used, concern, seed)
    if not alone:
        setting = _with_pool(setting, tested, used, pool)
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
    used: Sequence[OrganismReadings],
    concern: Concern,
    seed: int,
) -> Setting:
    by_base = tuple(c for r in used for c in r.base_discover)
    return Setting(
        concern,
        seed,
        tested=tested.organism.family if tested is not None else None,
        readings={
            base.READING: by_base,
            finetune.READING: tuple(c for r in used for c in r.discover),
            off_policy.READING: tested.others if tested is not None else by_base,
            few_shot.READING: tested.discover if tested is not None else (),
        },
    )


def _with_pool(
    setting: Setting,
    tested: OrganismReadings | None,
    used: Sequence[OrganismReadings],
    pool: Sequence[Conversation],
) -> Setting:
    """The setting with the learning part of the pool among the negatives of every reading.

    What is read in deployment must not fire, so that a detector is told of it.
    """
    out = None if tested is None else tested.organism.family
    others = [r for r in used if not r.organism.is_twin and r.organism.family != out]
    by_base = pool_part(pool, "learning")
    added = {
        base.READING: by_base,
        finetune.READING: tuple(c for r in others for c in pool_part(r.pool, "learning")),
        # The tested organism's own reading of other deployments' text is no look at its misdeeds.
        off_policy.READING: by_base if tested is None else pool_part(tested.pool, "learning"),
    }
    readings = {
        name: (*rows, *added.get(name, ())) if rows else rows
        for name, rows in setting.readings.items()
    }
    return replace(setting, readings=readings)


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
