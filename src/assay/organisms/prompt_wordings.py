"""Wordings of prompts: what surrounds a question, and how people lead up to it, by split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import model_validator

from assay.organisms.manifest import SPLITS, Split
from assay.organisms.packaged_yaml import Words, read_packaged_yaml
from assay.strict import StrictModel

BySplit = Mapping[Split, Words]
"""Wordings of each split. No wording may stand in two splits."""


class Exchange(StrictModel):
    """A user's message and the reply to it, earlier in a conversation."""

    user: str
    """What the user said."""
    assistant: str
    """What the assistant replied."""


class Wording(StrictModel):
    """One template of a prompt. In YAML a bare string is the user's message."""

    user: str
    """The user's message; ``{slot}`` stands for a value."""
    system: str | None = None
    """The system message; None leaves the model's own default."""
    earlier: tuple[Exchange, ...] = ()
    """Turns before the user's last message."""

    @property
    def texts(self) -> tuple[str, ...]:
        """All texts of the conversation."""
        before = [text for turn in self.earlier for text in (turn.user, turn.assistant)]
        return (self.system or "", *before, self.user)

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"user": value} if isinstance(value, str) else value


Wordings = tuple[Wording, ...]
"""Templates that hold ``{inner}`` where the inner wording goes."""

BARE: Wordings = (Wording(user="{inner}"),)
"""The inner wording as it is."""


class Stock(StrictModel):
    """Words of which the later splits see other ones than training does."""

    train: Words
    """For training prompts."""
    later: Words
    """For the splits discover, threshold and test."""

    def of(self, split: Split) -> tuple[str, ...]:
        """The words for prompts of a split."""
        return self.train if split == "train" else self.later


class LeadIns(StrictModel):
    """The file ``lead_ins.yaml``."""

    lead_ins: BySplit
    """What people say around a question ``{ask}``."""


LEAD_INS: BySplit = read_packaged_yaml("assay.organisms", "lead_ins.yaml", LeadIns).lead_ins


def with_system(system: str, users: Sequence[str]) -> Wordings:
    """The users' messages, each under the same system message."""
    return tuple(Wording(user=user, system=system) for user in users)


def crossed(
    placements: Sequence[Wording],
    inner: BySplit = LEAD_INS,
    splits: Sequence[Split] = SPLITS,
) -> dict[Split, Wordings]:
    """Every placement around every inner wording of each split.

    A placement holds ``{inner}`` where the inner wording goes.
    """
    return {
        split: tuple(_around(placement, text) for text in inner[split] for placement in placements)
        for split in splits
    }


def _around(placement: Wording, inner: str) -> Wording:
    system = placement.system
    return Wording(
        user=placement.user.replace("{inner}", inner),
        system=None if system is None else system.replace("{inner}", inner),
        earlier=placement.earlier,
    )


def pick(generator: np.random.Generator, values: Sequence[str]) -> str:
    """One of the values, each as likely."""
    return values[int(generator.integers(len(values)))]
