"""Stage deployment: benign conversations, with the model's reply where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from assay.concerns.deployment_replies import ReplyFacts, with_replies
from assay.files import read_json, sha256_of, write_json
from assay.pipeline import cost
from assay.pipeline.inputs import DeploymentInput, ModelInput
from assay.pipeline.stage import Artefacts, Stage
from assay.text import Transcript

POOL = "pool.json"
REPLIES = "replies.json"
READ_TOKENS = 32
"""Typical tokens of a conversation after its shared beginning, for estimates."""


@dataclass(frozen=True, eq=False)
class DeploymentStage(Stage[list[Transcript]]):
    """What detectors are held against: the conversations that the matrix reads."""

    NAME: ClassVar[str] = "deployment"
    VERSION: ClassVar[int] = 4

    model: ModelInput
    """The case's model, which writes the replies."""
    conversations: DeploymentInput
    """The conversations before replies."""
    max_new_tokens: int
    """Length of the replies."""
    seed: int
    """Seed of the sample of shipped replies that is confirmed."""

    def run(self, folder: Path, made: Artefacts) -> None:
        """Write the conversations with their replies, and where these came from."""
        found, facts = with_replies(
            self.conversations.open(), self.model.open(), self.max_new_tokens, self.seed
        )
        write_json(folder / POOL, [t.model_dump(mode="json") for t in found])
        write_json(folder / REPLIES, facts.model_dump(mode="json"))

    def load(self, folder: Path) -> list[Transcript]:
        """The conversations with replies."""
        return [Transcript.model_validate(row) for row in read_json(folder / POOL)]

    def replies(self, folder: Path) -> ReplyFacts:
        """Where the replies came from."""
        return ReplyFacts.model_validate(read_json(folder / REPLIES))

    def sha256(self, folder: Path) -> str:
        """Hash of the conversations with replies."""
        return sha256_of(folder / POOL)

    def seconds(self) -> float:
        """Estimate for reading the prompts and generating the replies."""
        tokens = self.conversations.most * (READ_TOKENS + self.max_new_tokens)
        return cost.forward_seconds(self.model.open(), tokens) * 2


@dataclass(frozen=True, eq=False)
class UnreadStage(DeploymentStage):
    """What the monitor is calibrated on: the conversations that the matrix leaves unread."""

    NAME: ClassVar[str] = "unread"
    VERSION: ClassVar[int] = 1

    def seconds(self) -> float:
        """Confirming shipped replies, about; more where none are shipped for the model."""
        return 10.0
