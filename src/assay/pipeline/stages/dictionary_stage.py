"""Stage dictionary: train a dictionary on the harvested activations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from assay.dictionaries import (
    LoadedDictionary,
    TrainingConfig,
    load_dictionary,
    train_dictionary,
)
from assay.models import Site
from assay.pipeline import cost
from assay.pipeline.result import DICTIONARY
from assay.pipeline.stage import Artefacts, Stage
from assay.pipeline.stages.harvest_stage import HarvestStage


@dataclass(frozen=True, eq=False)
class DictionaryStage(Stage[LoadedDictionary]):
    """A dictionary that is trained in this run."""

    NAME: ClassVar[str] = DICTIONARY
    VERSION: ClassVar[int] = 3

    harvest: HarvestStage
    """The harvested activations."""
    config: TrainingConfig
    """The settings of the trainer."""
    batch_size: int
    """Activations in a training step."""
    seed: int
    """Seed of the initial directions and of the order of the activations."""

    def run(self, folder: Path, artefacts: Artefacts) -> None:
        """Train the dictionary; an interrupted training resumes from its last checkpoint."""
        train_dictionary(
            artefacts.folder(self.harvest),
            folder / DICTIONARY,
            self.config,
            batch_size=self.batch_size,
            seed=self.seed,
        )

    def load(self, folder: Path) -> LoadedDictionary:
        """The dictionary with its metadata."""
        return load_dictionary(folder / DICTIONARY)

    def seconds(self) -> float:
        """Estimate from the training's matrix products."""
        width = self.harvest.model.open().site_width(Site.parse(self.harvest.site))
        rows = (self.config.steps or 0) * self.batch_size
        return cost.training_seconds(width, self.config.width, rows)
