"""Stage harvest: activations of a hook site on training documents."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from assay.activations import ActivationStore, harvest, open_store
from assay.models import Site
from assay.pipeline import cost
from assay.pipeline.inputs import ModelInput, TextInput
from assay.pipeline.stage import Artefacts, Stage


@dataclass(frozen=True, eq=False)
class HarvestStage(Stage[ActivationStore]):
    """Activations of random crops of training documents."""

    NAME: ClassVar[str] = "harvest"
    VERSION: ClassVar[int] = 3

    model: ModelInput
    """The case's model."""
    text: TextInput
    """The text whose training documents are read."""
    site: str
    """Hook site at which activations are read."""
    tokens: int
    """Number of tokens to harvest."""
    length: int
    """Tokens in a crop."""
    seed: int
    """Seed of the crops."""

    def run(self, folder: Path, artefacts: Artefacts) -> None:
        """Harvest into the folder; an interrupted harvest resumes."""
        model, text = self.model.open(), self.text.open()
        harvest(
            model,
            Site.parse(self.site),
            text.training_crops(model, self.tokens, self.length),
            folder,
            text=text.corpus.name,
            text_sha256=text.corpus.sha256,
            seed=self.seed,
        )

    def load(self, folder: Path) -> ActivationStore:
        """The activation store."""
        return open_store(folder)

    def seconds(self) -> float:
        """Estimate for a forward pass up to the site."""
        return cost.forward_seconds(self.model.open(), self.tokens, Site.parse(self.site))
