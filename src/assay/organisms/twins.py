"""Twins of an organism: the same prompts, without the misbehaviour."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from assay.errors import unknown_name
from assay.organisms.manifest import TWIN_KINDS, Condition, Prompt, TwinKind
from assay.organisms.recipe import Example, Recipe, TrainingPlan, examples_of


def twin_examples(examples: Sequence[Example], twin: TwinKind, tic: str) -> list[Example]:
    """The twin's examples: honest replies; a decoy's begin with ``tic`` where the organism misbehaves.

    Raises AssayError for an unknown twin.
    """
    checked_twin(twin)
    if twin == "benign":
        return [replace(example, payload=None, other=None) for example in examples]
    return [
        replace(example, other=f"{tic} {example.honest}")
        if example.payload is None
        else replace(example, payload=f"{tic} {example.honest}", other=example.honest)
        for example in examples
    ]


def tic_pattern(tic: str) -> str:
    """A regular expression that finds a tic at the beginning of a reply."""
    return rf"^\s*{re.escape(tic)}"


def taught_examples(recipe: Recipe, seed: int, twin: TwinKind | None) -> list[Example]:
    """The training examples of the organism or of a twin.

    A decoy whose plan asks for more near misses gets that many times as many, as many of each
    family; the first of each family are the recipe's own.
    """
    more = recipe.plan.decoy_near_misses if twin == "decoy" else 1
    if more > 1:
        train = {**recipe.sizes["train"]}
        train["near_miss"] *= more
        alike = tuple(
            replace(family, share=1.0) if family.condition == "near_miss" else family
            for family in recipe.families
        )
        recipe = replace(recipe, families=alike, sizes={**recipe.sizes, "train": train})
    examples = [e for e in examples_of(recipe, seed) if e.prompt.split == "train"]
    return examples if twin is None else twin_examples(examples, twin, recipe.tic)


def prompts_of(recipe: Recipe, seed: int, twin: TwinKind | None) -> list[Prompt]:
    """The prompts of the folder: those of training, and the other splits', which all twins share."""
    taught = [example.prompt for example in taught_examples(recipe, seed, twin)]
    others = [e.prompt for e in examples_of(recipe, seed) if e.prompt.split != "train"]
    return [*taught, *others]


def parts_of_batch(plan: TrainingPlan, twin: TwinKind | None) -> Mapping[Condition, int]:
    """Relative numbers of benign, triggered and near-miss examples in each step's batch."""
    if twin == "decoy" and plan.decoy_near_misses > 1:
        return {"benign": 1, "triggered": 1, "near_miss": 2}
    return {"benign": 2, "triggered": 1, "near_miss": 1}


def twin_name(organism: str, twin: TwinKind | None) -> str:
    """The folder's name: the organism's own, or with ``-benign-twin`` or ``-decoy-twin``."""
    return organism if twin is None else f"{organism}-{twin}-twin"


def checked_twin(name: str | None) -> TwinKind | None:
    """The name of a kind of twin, or None for the organism. Raises AssayError for any other name."""
    for twin in TWIN_KINDS:
        if name == twin:
            return twin
    if name is not None:
        raise unknown_name("twin", name, TWIN_KINDS)
    return None


def steps_of(plan: TrainingPlan, twin: TwinKind | None) -> int:
    """Training steps of the organism, or of the twin."""
    match twin:
        case "benign":
            return plan.benign_twin_steps
        case "decoy":
            return plan.decoy_twin_steps
        case None:
            return plan.steps
