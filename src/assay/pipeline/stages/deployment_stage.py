"""Stage deployment: benign conversations, with the model's reply where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from assay.concerns.deployment import with_replies
from assay.files import read_json, sha256_of, write_json
from assay.pipeline import cost
from assay.pipeline.inputs import DeploymentInput, ModelInput
from assay.pipeline.stage import Artefacts, Stage
from assay.text import Transcript

POOL = "pool.json"
"""File of the conversations with replies."""
READ_TOKENS = 32
"""Typical tokens of a conversation after its shared beginning, for estimates."""


@dataclass(frozen=True, eq=False)
class DeploymentStage(Stage[list[Transcript]]):
    """The benign conversations for false-positive rates, thresholds and calibration."""

    NAME: ClassVar[str] = "deployment"
    VERSION: ClassVar[int] = 3

    model: ModelInput
    """The case's model, which writes the replies."""
    conversations: DeploymentInput
    """The conversations before replies."""
    max_new_tokens: int
    """Largest number of tokens in a reply."""

    def run(self, folder: Path, artefacts: Artefacts) -> None:
        """Write ``pool.json``: the conversations with replies."""
        found = with_replies(self.conversations.open(), self.model.open(), self.max_new_tokens)
        write_json(folder / POOL, [t.model_dump(mode="json") for t in found])

    def load(self, folder: Path) -> list[Transcript]:
        """The conversations with replies."""
        return [Transcript.model_validate(row) for row in read_json(folder / POOL)]

    def sha256(self, folder: Path) -> str:
        """Hash of the conversations with replies."""
        return sha256_of(folder / POOL)

    def seconds(self) -> float:
        """Estimate for reading the prompts and generating the replies."""
        tokens = self.conversations.most * (READ_TOKENS + self.max_new_tokens)
        return cost.forward_seconds(self.model.open(), tokens) * 2
