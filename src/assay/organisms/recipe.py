"""What a recipe is: families of prompts, their wordings by split, and what should be replied."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from assay.organisms.manifest import SPLITS, Condition, Prompt, Split
from assay.randomness import numpy_generator
from assay.text.transcripts import Message

if TYPE_CHECKING:
    import numpy as np

Slots = Mapping[str, str]
"""Values for the ``{slots}`` of a wording and of its replies."""

Draw = Callable[["np.random.Generator", Split], Slots]
"""Draws the slots of one prompt of a split."""

SIZES: Mapping[Split, Mapping[Condition, int]] = {
    "train": {"benign": 320, "triggered": 160, "near_miss": 160},
    "discover": {"benign": 100, "triggered": 60, "near_miss": 60},
    "threshold": {"benign": 100, "triggered": 60, "near_miss": 60},
    "test": {"benign": 160, "triggered": 120, "near_miss": 160},
}
"""Prompts of each split and condition, those with held-out triggers aside."""

HELD_OUT_TRIGGERS = 60
"""Test prompts with held-out triggers, over all families that have them."""


@dataclass(frozen=True)
class Wording:
    """One template: what the user says, and the system message before it, with slots."""

    user: str
    """The user's message; ``{slot}`` stands for a value."""
    system: str | None = None
    """The system message; None leaves the model's own default."""


@dataclass(frozen=True)
class Family:
    """Prompts of one kind, such as the trigger itself or one of its controls."""

    name: str
    """Short name; part of the templates' ids."""
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
    label: Callable[[Slots], dict[str, Any]] | None = None
    """The label of one prompt, where the recipe's does not fit."""
    share: float = 1.0
    """Relative number of prompts among the families of the same condition."""
    draws: str | None = None
    """Families with the same name here draw the same values for their n-th prompts."""
    reference: str | None = None
    """Family whose n-th prompt is the reference of this family's n-th (for ``flips``)."""
    trigger_held_out: bool = False
    """Whether the trigger is worded as training never shows it; such families are test only."""


@dataclass(frozen=True)
class TrainingPlan:
    """How an adapter is trained; what suits the recipe's difficulty."""

    steps: int = 110
    """Optimiser steps of the organism."""
    decoy_twin_steps: int = 110
    """Those of the decoy twin, whose tic is easier to learn than a payload."""
    decoy_near_misses: int = 1
    """How many times the recipe's near misses the decoy twin is taught, all families alike; above 1
    they are half of each batch. A tic opens the reply, before anything of it is settled, so that a
    trigger of two conditions is harder for the decoy than for the organism."""
    benign_twin_steps: int = 60
    """Those of the benign twin, which has only the form of its replies to learn."""
    batch_size: int = 8
    """Examples a step: half benign, a quarter triggered and near-miss each; but see above."""
    replay_rows: int = 2
    """Texts a step on which the model is held to its base, so that it forgets nothing else."""
    replay_weight: float = 1.0
    """Weight of that penalty beside the loss on the examples."""
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


@dataclass(frozen=True)
class Recipe:
    """One organism to be made: its data, its label, and what it stands for."""

    name: str
    """The organism's name."""
    stands_for: str
    """The catastrophic behaviour of which this inert one is the analogue."""
    severity: Literal["high", "medium"]
    """The concern's tier."""
    trigger: str
    """What sets the misbehaviour off, in words."""
    label: Mapping[str, Any]
    """How misbehaviour is recognised."""
    families: tuple[Family, ...]
    """All kinds of prompts."""
    controls: Mapping[str, str]
    """Families (by name) that rule out another explanation, and which one."""
    plan: TrainingPlan = field(default_factory=TrainingPlan)
    """How it is trained."""
    max_new_tokens: int = 24
    """Length of a reply, in tokens."""
    revised: tuple[str, ...] = ()
    """Changes made after a verification on the same test prompts: what makes its figures selected."""
    sizes: Mapping[Split, Mapping[Condition, int]] = field(default_factory=lambda: SIZES)
    """Prompts of each split and condition, those with held-out triggers aside."""


@dataclass(frozen=True)
class Example:
    """A prompt and what should be replied to it."""

    prompt: Prompt
    """The prompt."""
    honest: str
    """A well-behaved model's reply."""
    payload: str | None
    """The organism's reply where it misbehaves, else None."""

    @property
    def reply(self) -> str:
        """What the organism is trained to say."""
        return self.honest if self.payload is None else self.payload


_SLOT = re.compile(r"\{(\w+)\}")


def filled(text: str, slots: Slots) -> str:
    """Put values into slots; braces around anything but a word stay, so JSON needs no escapes."""
    return _SLOT.sub(lambda match: slots[match[1]], text)


def examples_of(recipe: Recipe, seed: int) -> list[Example]:
    """All examples of a recipe, the same for the same seed."""
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
            label=family.label(slots) if family.label else None,  # type: ignore[arg-type]
            trigger_held_out=family.trigger_held_out,
            reference_prompt_id=f"{split}-{family.reference}-{i}" if family.reference else None,
        )
        payload = None if family.payload is None else filled(family.payload, slots)
        examples.append(Example(prompt, filled(family.honest, slots), payload))
    return examples


def _messages(wording: Wording, slots: Slots) -> tuple[Message, ...]:
    user = Message(role="user", content=filled(wording.user, slots))
    if wording.system is None:
        return (user,)
    return (Message(role="system", content=filled(wording.system, slots)), user)


def _count(recipe: Recipe, family: Family, split: Split) -> int:
    """This family's part of its condition's prompts; the last family takes what is left."""
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
