"""Stage pool: the case's model reads the benign pool, as a reader of every organism's conversations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from assay.concerns.conversations import Conversation, load_conversations, save_conversations
from assay.concerns.conversations.pool import pool_excerpts
from assay.concerns.conversations.reading import read_excerpts
from assay.models import Site
from assay.pipeline import cost
from assay.pipeline.inputs import ModelInput
from assay.pipeline.stage import Artefacts, Stage
from assay.pipeline.stages.deployment_stage import READ_TOKENS, DeploymentStage

CONVERSATIONS = "pool.safetensors"
POOL = "pool"


@dataclass(frozen=True, eq=False)
class PoolStage(Stage[tuple[Conversation, ...]]):
    """The benign pool as the case's model reads it."""

    NAME: ClassVar[str] = "pool"
    VERSION: ClassVar[int] = 2

    model: ModelInput
    """The case's model."""
    deployment: DeploymentStage
    """The benign conversations."""
    sites: tuple[str, ...]
    """Hook sites at which activations are read, the case's first."""
    seed: int
    """Seed of every random draw."""

    def run(self, folder: Path, artefacts: Artefacts) -> None:
        """Write the conversations with their activations."""
        model = self.model.open()
        pool = artefacts.load(self.deployment)
        excerpts = pool_excerpts(model.tokenizer, pool, "the case's model", (), self.seed)
        read = read_excerpts(model, [Site.parse(site) for site in self.sites], excerpts)
        save_conversations(folder / CONVERSATIONS, {POOL: read})

    def load(self, folder: Path) -> tuple[Conversation, ...]:
        """The conversations, in the order of the deployment's."""
        return load_conversations(folder / CONVERSATIONS)[POOL]

    def seconds(self) -> float:
        """Estimate for reading up to the site."""
        tokens = self.deployment.conversations.most * READ_TOKENS
        return cost.forward_seconds(self.model.open(), tokens, cost.deepest(self.sites))
