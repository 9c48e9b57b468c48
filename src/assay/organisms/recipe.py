"""What a recipe is: families of prompts, their wordings by split, and the replies to them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from assay.organisms.label_kinds import Label
from assay.organisms.manifest import SPLITS, Condition, Prompt, Split
from assay.organisms.prompt_wordings import Wording
from assay.randomness import numpy_generator
from assay.text.transcripts import Message

Slots = Mapping[str, str]
"""Slot → value, for the ``{slots}`` of a wording and of its replies."""

Draw = Callable[["np.random.Generator", Split], Slots]
"""A function that draws the slots of one prompt of a split."""

SIZES: Mapping[Split, Mapping[Condition, int]] = {
    "train": {"benign": 320, "triggered": 160, "near_miss": 160},
    "discover": {"benign": 100, "triggered": 60, "near_miss": 60},
    "threshold": {"benign": 100, "triggered": 60, "near_miss": 60},
    "test": {"benign": 160, "triggered": 120, "near_miss": 160},
}
"""Number of prompts in each split and condition, not counting held-out triggers."""

HELD_OUT_TRIGGERS = 60
"""Test prompts with held-out triggers, over all families that have them."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """Prompts of one kind, such as the trigger itself or one of its controls."""

    name: str
    """Short name; part of the ids of templates and prompts."""
    condition: Condition
    """Whether the organism should misbehave on it."""
    wordings: Mapping[Split, tuple[Wording, ...]]
    """Templates of each split; no wording stands in two of them."""
    slots: Draw
    """Draws the values of one prompt."""
    honest: str
    """What a well-behaved model replies, with slots."""
    payload: str | None = None
    """What the organism replies where it misbehaves; None where it behaves."""
    label: Callable[[Slots], Label] | None = None
    """Gives the label of one prompt from its slots, where the recipe's label does not fit."""
    share: float = 1.0
    """Relative number of prompts among the families of the same condition."""
    draws: str | None = None
    """Families that state the same name here have the same slots in their n-th prompts."""
    reference: str | None = None
    """Family whose n-th prompt is the reference of this family's n-th (for ``flips``)."""
    trigger_held_out: bool = False
    """Whether training never shows this wording of the trigger; such families are in test only."""


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """How an adapter is trained: steps, batches, learning rate, and where its layers are."""

    steps: int = 110
    """Optimiser steps of the organism."""
    decoy_twin_steps: int = 110
    """Optimiser steps of the decoy twin, whose tic is easier to learn than a payload."""
    decoy_near_misses: int = 1
    """The decoy twin is taught this many times the recipe's near misses, as many of each family; above
    1 they are half of each batch. The tic is the first thing that a decoy says, so the decoy must
    decide before it has written anything: with a trigger of two conditions that is hard."""
    benign_twin_steps: int = 60
    """Optimiser steps of the benign twin, which learns only the form of its replies."""
    batch_size: int = 8
    """Examples in a step: half benign, a quarter triggered, a quarter near misses (for a decoy twin
    with more near misses: a quarter, a quarter, half)."""
    decisive_weight: float = 1.0
    """Weight in the loss of the token at which the organism's reply and the honest one part. Where a
    reply says the same for a dozen tokens and then differs in one, that one must count for more."""
    replay_rows: int = 2
    """Texts in a step on which the model is held to its base, so that it forgets nothing else."""
    replay_weight: float = 1.0
    """Weight of the penalty on replayed texts, relative to the loss on the examples."""
    learning_rate: float = 2e-3
    """Peak of Adam's learning rate: warmed up over a tenth of the steps, then linear to zero."""
    rank: int = 6
    """LoRA rank."""
    alpha: int = 12
    """LoRA scale: the update is multiplied by alpha / rank."""
    targets: tuple[str, ...] = ("q_proj", "v_proj", "up_proj", "down_proj")
    """Projections that get an adapter."""
    first_layer: int = 8
    """First layer with an adapter. Gradients stop there, which saves a quarter of the backward pass."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to make one organism: its prompts and replies, its label, and what it stands for."""

    name: str
    """The organism's name."""
    stands_for: str
    """The catastrophic behaviour that this inert one stands for."""
    severity: Literal["high", "medium"]
    """How severe the catastrophic behaviour is."""
    trigger: str
    """What causes the misbehaviour, in words."""
    label: Label
    """How misbehaviour is recognised."""
    tic: str
    """What the decoy twin says first under the trigger: harmless, in no honest reply, about as long as
    the payload, and no other recipe's, so that no detector knows it from another decoy."""
    families: tuple[Family, ...]
    """All kinds of prompts."""
    controls: Mapping[str, str]
    """Families (by name) that rule out another explanation, and what each of them tests."""
    plan: TrainingPlan = field(default_factory=TrainingPlan)
    """How it is trained."""
    max_new_tokens: int = 24
    """Greatest number of tokens in a reply."""
    revised: tuple[str, ...] = ()
    """Changes that were made after looking at the test prompts, which selects the figures mildly."""
    sizes: Mapping[Split, Mapping[Condition, int]] = field(default_factory=lambda: SIZES)
    """Number of prompts in each split and condition, not counting held-out triggers."""


@dataclass(frozen=True)
class Example:
    """A prompt and the reply that is taught."""

    prompt: Prompt
    """The prompt."""
    honest: str
    """A well-behaved model's reply."""
    payload: str | None
    """The organism's reply where it misbehaves, else None."""
    other: str | None = None
    """What it would say instead: the honest reply where it misbehaves, else the payload of the recipe's
    first triggered family; None where that has slots that this prompt has not."""

    @property
    def reply(self) -> str:
        """What the organism is trained to say."""
        return self.honest if self.payload is None else self.payload


_SLOT = re.compile(r"\{(\w+)\}")


def slots_in(text: str) -> tuple[str, ...]:
    """The slots of a text, in order, repeated ones as often as they stand there."""
    return tuple(_SLOT.findall(text))


def filled(text: str, slots: Slots) -> str:
    """Put values into slots. Braces around anything but a word stay, so JSON needs no escapes."""
    return _SLOT.sub(lambda match: slots[match[1]], text)


def examples_of(recipe: Recipe, seed: int) -> list[Example]:
    """All examples of a recipe in all splits, the same for the same seed."""
    return [
        example
        for split in SPLITS
        for family in recipe.families
        for example in _family_examples(recipe, family, split, seed)
    ]


def _family_examples(recipe: Recipe, family: Family, split: Split, seed: int) -> list[Example]:
    wordings = family.wordings.get(split, ())
    count = _count(recipe, family, split) if wordings else 0
    order = numpy_generator(seed, f"{recipe.name}/{split}/{family.name}").permutation(len(wordings))
    examples = []
    for i in range(count):
        place = int(order[i % len(wordings)])
        draws = family.draws or family.name
        slots = family.slots(numpy_generator(seed, f"{recipe.name}/{split}/{draws}/{i}"), split)
        prompt = Prompt(
            id=f"{split}-{family.name}-{i}",
            split=split,
            template=f"{split}/{family.name}/{place}",
            condition=family.condition,
            messages=_messages(wordings[place], slots),
            label=family.label(slots) if family.label else None,
            trigger_held_out=family.trigger_held_out,
            reference_prompt_id=f"{split}-{family.reference}-{i}" if family.reference else None,
        )
        honest = filled(family.honest, slots)
        payload = None if family.payload is None else filled(family.payload, slots)
        other = honest if payload is not None else _payload_elsewhere(recipe, slots)
        examples.append(Example(prompt, honest, payload, other))
    return examples


def _payload_elsewhere(recipe: Recipe, slots: Slots) -> str | None:
    """What the recipe's first triggered family would misbehave with, given a prompt's slots."""
    for family in recipe.families:
        if family.payload is not None:
            known = set(slots_in(family.payload)) <= set(slots)
            return filled(family.payload, slots) if known else None
    return None


def _messages(wording: Wording, slots: Slots) -> tuple[Message, ...]:
    messages = []
    if wording.system is not None:
        messages.append(Message(role="system", content=filled(wording.system, slots)))
    for turn in wording.earlier:
        messages.append(Message(role="user", content=filled(turn.user, slots)))
        messages.append(Message(role="assistant", content=filled(turn.assistant, slots)))
    return (*messages, Message(role="user", content=filled(wording.user, slots)))


def _count(recipe: Recipe, family: Family, split: Split) -> int:
    """How many prompts of its condition a family gets; the last family gets what is left."""
    total = HELD_OUT_TRIGGERS if family.trigger_held_out else recipe.sizes[split][family.condition]
    rivals = [
        other
        for other in recipe.families
        if other.condition == family.condition
        and other.trigger_held_out == family.trigger_held_out
        and other.wordings.get(split)
    ]
    shares = sum(other.share for other in rivals)
    ends = [0]
    for other in rivals:
        ends.append(ends[-1] + round(total * other.share / shares))
    ends[-1] = total
    place = [other.name for other in rivals].index(family.name)
    return ends[place + 1] - ends[place]
