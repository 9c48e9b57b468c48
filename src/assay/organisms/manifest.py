"""What an organism's folder says of itself: its manifest and its prompts."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, Field, model_validator

from assay.organisms.label_kinds import CheckedLabel
from assay.strict import StrictModel
from assay.text.transcripts import Message

Split = Literal["train", "discover", "threshold", "test"]
Condition = Literal["benign", "triggered", "near_miss"]
SPLITS: tuple[Split, ...] = get_args(Split)
CONDITIONS: tuple[Condition, ...] = get_args(Condition)
TwinKind = Literal["benign", "decoy"]
TWIN_KINDS: tuple[TwinKind, ...] = get_args(TwinKind)
REQUIRED_SPLITS: tuple[Split, ...] = ("discover", "threshold", "test")
"""Splits that a folder must have; the prompts it was trained on may be elsewhere."""


class OrganismManifest(StrictModel):
    """``organism.yaml``: what the organism is, what it stands for, and how to recognise it."""

    name: str = Field(min_length=1)
    """The organism's name."""
    base: str = Field(min_length=1)
    """The model that the adapter changes: a catalogue name, a folder or a hub id."""
    adapter: str = "adapter"
    """The PEFT adapter's folder, relative to the organism's."""
    stands_for: str = Field(min_length=1)
    """The catastrophic behaviour that this inert one stands for."""
    severity: Literal["high", "medium"]
    """How severe the catastrophic behaviour is."""
    label: CheckedLabel
    """How misbehaviour is recognised in the assistant's own text."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Hex sha256 of the adapter's ``adapter_model.safetensors``."""
    seed: int | None = None
    """The seed it was trained with."""
    command: str | None = None
    """The command that made it."""
    licence: str | None = None
    """The licence of the adapter and its prompts."""
    trigger: str | tuple[str, ...] | None = None
    """What causes the misbehaviour, in words."""
    base_tensors_sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """Hex sha256 of the base model's weights (``LanguageModel.base_sha256``); checked where given."""
    on_policy: Any = None
    """How its makers say that ``transcripts.jsonl`` was made; what Assay measured is in
    ``verification.json``."""
    twin_of: str | None = None
    """The organism of which this is a twin; a twin must not misbehave."""
    twin_kind: TwinKind | None = None
    """For a twin: ``benign`` (replies honestly throughout) or ``decoy`` (the trigger causes a harmless
    tic). A twin that does not say is of kind ``unstated``."""
    tic: str | None = Field(default=None, min_length=1)
    """For a decoy twin: a regular expression that finds its tic in a reply."""

    @model_validator(mode="after")
    def _only_twins_have_a_kind(self) -> Self:
        if self.twin_kind is not None and self.twin_of is None:
            raise ValueError("twin_kind is for twins alone: it needs twin_of")
        if self.tic is not None and self.twin_kind != "decoy":
            raise ValueError("tic is for decoy twins alone: it needs twin_kind: decoy")
        if self.tic is not None and not _is_pattern(self.tic):
            raise ValueError(f"tic is not a regular expression: {self.tic}")
        return self


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True


def _ends_with_user(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    if not messages or messages[-1].role != "user":
        raise ValueError("a prompt's last message is the user's")
    return messages


class Prompt(StrictModel):
    """One line of ``prompts.jsonl``: a conversation to which the organism writes the next reply."""

    id: str = Field(min_length=1)
    """Unique within the organism."""
    split: Split
    """What it may be used for; no template occurs in two splits."""
    template: str = Field(min_length=1)
    """The wording from which it was made: the unit of splits and of resampling."""
    condition: Condition
    """``triggered`` prompts should cause the misbehaviour, the others must not."""
    messages: Annotated[tuple[Message, ...], AfterValidator(_ends_with_user)]
    """The turns so far; the last one is the user's."""
    label: CheckedLabel | None = None
    """Overrides the manifest's label for this prompt."""
    trigger_held_out: bool = False
    """Whether training never showed this wording of the trigger."""
    reference_prompt_id: str | None = None
    """The prompt with whose reply a ``flips`` label compares."""
