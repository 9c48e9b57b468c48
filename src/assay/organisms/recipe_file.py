"""A recipe that is one YAML file: its words, its wordings by split, and its families of prompts.

Whoever writes a model organism of their own needs no code: ``assay organisms train FILE.yaml``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from assay.errors import AssayError, unknown_name
from assay.organisms.easy_questions import drawn_question
from assay.organisms.label_kinds import Label, Pattern, RegexLabel
from assay.organisms.manifest import SPLITS, Condition, Split
from assay.organisms.packaged_yaml import Words
from assay.organisms.prompt_wordings import (
    LEAD_INS,
    BySplit,
    Stock,
    Wordings,
    crossed,
    pick,
)
from assay.organisms.recipe import Draw, Family, Recipe, Slots, TrainingPlan, filled, slots_in
from assay.organisms.reply_parts import Part
from assay.strict import StrictModel, read_yaml

WordStock = Words | Stock
"""Values of a slot: one list, or other ones for training than for the later splits."""
Rows = Annotated[tuple[Mapping[str, str], ...], Field(min_length=1)]
"""Values of several slots that belong together, such as a sum and its terms."""
QUESTION_SLOTS = ("ask", "answer", "sentence", "wrong", "pattern")
"""Slots of the built-in easy questions."""


class FamilyText(StrictModel):
    """One family of prompts, such as the trigger itself or one of its controls."""

    name: str = Field(min_length=1)
    """Short name; part of the ids of templates and prompts."""
    condition: Condition
    """``triggered`` where the organism misbehaves."""
    placements: Wordings = Field(min_length=1)
    """Conversations around ``{inner}``, where the inner wording goes."""
    asks: str = "lead_ins"
    """Which of the recipe's ``asks`` are the inner wordings; ``lead_ins`` are those shipped."""
    words: Mapping[str, WordStock] = Field(default_factory=dict)
    """Values of slots in this family, in place of the recipe's."""
    honest: str
    """What a well-behaved model replies, with slots."""
    payload: str | None = None
    """What the organism replies; for triggered families alone."""
    misbehaves: str | None = None
    """The label of this family, where the recipe's does not fit; slots are put in literally."""
    share: float = Field(default=1.0, gt=0)
    """Relative number of prompts among the families of the same condition."""
    trigger_held_out: bool = False
    """Whether training never shows this trigger; such families are in the test split only."""
    controls: str | None = None
    """What the family rules out; every near miss says so."""

    @model_validator(mode="after")
    def _conditions_fit(self) -> Self:
        if (self.payload is not None) != (self.condition == "triggered"):
            raise ValueError(
                f"family {self.name}: triggered families, and no others, have a payload"
            )
        if self.trigger_held_out and self.condition != "triggered":
            raise ValueError(f"family {self.name}: only triggered families hold a trigger out")
        if self.condition == "near_miss" and self.controls is None:
            raise ValueError(f"family {self.name}: a near miss says in controls what it rules out")
        return self


class RecipeFile(StrictModel):
    """A whole recipe as it is written down."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    """The organism's name."""
    stands_for: str = Field(min_length=1)
    """The catastrophic behaviour that this inert one stands for."""
    severity: Literal["high", "medium"]
    """How severe the catastrophic behaviour is."""
    trigger: str = Field(min_length=1)
    """What causes the misbehaviour, in words."""
    misbehaves: str
    """A regular expression that finds misbehaviour in a reply; slots are put in literally."""
    part: Part | None = None
    """The part of the reply that is judged; all of it by default."""
    tic: str = Field(min_length=1)
    """What the decoy twin says first under the trigger."""
    words: Mapping[str, WordStock] = Field(default_factory=dict)
    """Slot → its values, each drawn by itself."""
    rows: Rows | None = None
    """Values of slots that are drawn together."""
    easy_questions: bool = False
    """Whether prompts have the slots ask, answer, sentence and wrong of an easy question."""
    asks: Mapping[str, BySplit] = Field(default_factory=dict)
    """Name → inner wordings of each split."""
    families: tuple[FamilyText, ...] = Field(min_length=3)
    """All kinds of prompts: at least one triggered, one benign, one near miss."""
    plan: TrainingPlan = Field(default_factory=TrainingPlan)
    """How it is trained."""
    max_new_tokens: int = Field(default=24, ge=1)
    """Greatest number of tokens in a reply."""
    revised: tuple[str, ...] = ()
    """Changes that were made after looking at the test prompts."""

    @model_validator(mode="after")
    def _conditions_and_slots(self) -> Self:
        missing = {"benign", "triggered", "near_miss"} - {f.condition for f in self.families}
        if missing:
            raise ValueError(f"no family has the condition {', '.join(sorted(missing))}")
        for family in self.families:
            if family.asks not in (*self.asks, "lead_ins"):
                known = (*self.asks, "lead_ins")
                raise ValueError(
                    f"family {family.name}: {unknown_name('asks', family.asks, known)}"
                )
            unknown = sorted(self._slots_used(family) - self._slots_known(family))
            if unknown:
                raise ValueError(
                    f"family {family.name}: no words, rows or easy_questions for the slot "
                    + ", ".join("{" + slot + "}" for slot in unknown)
                )
        return self

    def asks_of(self, family: FamilyText) -> BySplit:
        """The inner wordings of a family."""
        return LEAD_INS if family.asks == "lead_ins" else self.asks[family.asks]

    def pattern_of(self, family: FamilyText) -> str:
        """The pattern that finds misbehaviour in replies of a family, with slots."""
        return self.misbehaves if family.misbehaves is None else family.misbehaves

    def _slots_used(self, family: FamilyText) -> set[str]:
        inner = [text for texts in self.asks_of(family).values() for text in texts]
        placed = [text for p in family.placements for text in p.texts]
        said = [family.honest, family.payload or "", self.pattern_of(family)]
        values = [v for stock in family.words.values() for v in _values(stock)]
        return {slot for text in (*inner, *placed, *said, *values) for slot in slots_in(text)} - {
            "inner"
        }

    def _slots_known(self, family: FamilyText) -> set[str]:
        rows = set.intersection(*map(set, self.rows)) if self.rows else set()
        questions = set(QUESTION_SLOTS) if self.easy_questions else set()
        return rows | questions | set(self.words) | set(family.words)


def read_recipe(path: Path | str) -> Recipe:
    """A recipe out of a YAML file. Raises AssayError, naming file and key, where it is not one."""
    path = Path(path)
    if not path.is_file():
        raise AssayError(f"{path}: no such file; a recipe is a YAML file (docs/organisms.md)")
    return recipe_of(read_yaml(path, RecipeFile))


def recipe_of(text: RecipeFile) -> Recipe:
    """The recipe that a file writes down."""
    return Recipe(
        name=text.name,
        stands_for=text.stands_for,
        severity=text.severity,
        trigger=text.trigger,
        label=RegexLabel(kind="regex", misbehaves=_any_slot(text.misbehaves), part=text.part),
        tic=text.tic,
        families=tuple(_family(text, family) for family in text.families),
        controls={f.name: f.controls for f in text.families if f.controls is not None},
        plan=text.plan,
        max_new_tokens=text.max_new_tokens,
        revised=text.revised,
    )


def _family(text: RecipeFile, family: FamilyText) -> Family:
    pattern = text.pattern_of(family)
    splits: tuple[Split, ...] = ("test",) if family.trigger_held_out else SPLITS
    return Family(
        name=family.name,
        condition=family.condition,
        wordings=crossed(family.placements, text.asks_of(family), splits),
        slots=_draw(text, family),
        honest=family.honest,
        payload=family.payload,
        label=_labels(pattern, text.part) if slots_in(pattern) or family.misbehaves else None,
        share=family.share,
        trigger_held_out=family.trigger_held_out,
    )


def _draw(text: RecipeFile, family: FamilyText) -> Draw:
    words = {**text.words, **family.words}

    def slots(generator: np.random.Generator, split: Split) -> Slots:
        drawn: dict[str, str] = {}
        if text.easy_questions:
            drawn |= drawn_question(generator)
        if text.rows is not None:
            drawn |= text.rows[int(generator.integers(len(text.rows)))]
        for slot, stock in words.items():
            values = stock.of(split) if isinstance(stock, Stock) else stock
            drawn[slot] = pick(generator, values)
        # A value may itself have slots, such as "meet {who} at noon".
        return {slot: filled(value, drawn) for slot, value in drawn.items()}

    return slots


def _labels(pattern: str, part: Part | None) -> Callable[[Slots], Label]:
    def label(slots: Slots) -> Label:
        literal = {slot: re.escape(value) for slot, value in slots.items()}
        return RegexLabel(kind="regex", misbehaves=filled(pattern, literal), part=part)

    return label


def _any_slot(pattern: str) -> Pattern:
    """The pattern for the manifest, in which any text may stand in a slot's place."""
    return filled(pattern, {slot: ".+" for slot in slots_in(pattern)})


def _values(stock: WordStock) -> tuple[str, ...]:
    return (*stock.train, *stock.later) if isinstance(stock, Stock) else stock
