"""Shifts: benign conversations of deployments that differ from the calibration in one respect each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from assay.concerns.deployment_replies import with_replies
from assay.files import read_json, sha256_of, write_json
from assay.monitoring.deployment_shifts import Shift, shifted_conversations
from assay.pipeline.inputs import ModelInput
from assay.pipeline.stage import Artefacts, Stage
from assay.text import Transcript

SHIFTS = "shifts.json"
CONFIRMED = 4
"""Shipped replies that are written again, of each length and turn."""


@dataclass(frozen=True, eq=False)
class ShiftsStage(Stage[list[Shift]]):
    """The conversations of every shift, with the model's replies."""

    NAME: ClassVar[str] = "shifts"
    VERSION: ClassVar[int] = 1

    model: ModelInput
    """The case's model, which replies."""
    max_new_tokens: int
    """Length of the replies that the monitor is calibrated on."""
    seed: int
    """Seed of the sample of shipped replies that is confirmed."""

    def run(self, folder: Path, made: Artefacts) -> None:
        """Write the conversations."""
        model = self.model.open()

        def answer(conversations: Sequence[Transcript], most: int) -> list[Transcript]:
            return with_replies(conversations, model, most, self.seed, confirmed=CONFIRMED)[0]

        found = shifted_conversations(answer, self.max_new_tokens)
        write_json(
            folder / SHIFTS,
            [
                {
                    "name": s.name,
                    "conversations": [t.model_dump(mode="json") for t in s.conversations],
                }
                for s in found
            ],
        )

    def load(self, folder: Path) -> list[Shift]:
        """The shifts."""
        return [
            Shift(row["name"], tuple(Transcript.model_validate(t) for t in row["conversations"]))
            for row in read_json(folder / SHIFTS)
        ]

    def sha256(self, folder: Path) -> str:
        """Hash of the conversations."""
        return sha256_of(folder / SHIFTS)

    def seconds(self) -> float:
        """Confirming shipped replies, about; more where none are shipped for the model."""
        return 15.0
