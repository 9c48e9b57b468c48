"""Stage transfer: the transfer matrix, and ablations of the cells that would be admitted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from assay.concerns.budgets import Budgets
from assay.concerns.conversations.transfer_sizes import TransferSizes
from assay.concerns.conversations.window_names import Window
from assay.concerns.matrix import (
    AblationSource,
    TransferMatrix,
    TransferSettings,
    matrix_evidence,
    transfer,
)
from assay.concerns.strategies import StrategyChoice
from assay.evidence import write_evidence
from assay.models import Site
from assay.pipeline.dictionary_source import DictionarySource, dictionary_inputs
from assay.pipeline.inputs import ModelInput, organisms_sha256
from assay.pipeline.stage import Artefacts, Stage
from assay.pipeline.stages.deployment_stage import DeploymentStage
from assay.pipeline.stages.elicitation_stage import ElicitationStage
from assay.pipeline.stages.pool_stage import PoolStage
from assay.pipeline.stages.reading_stage import ReadingStage
from assay.strict import StrictModel
from assay.text import token_texts


class ConcernRule(StrictModel):
    """The properties of a concern that decide verdicts."""

    name: str
    """Name of the concern."""
    severity: str
    """Its severity."""
    allowed_contexts: tuple[str, ...]
    """Contexts in which it is acceptable."""
    organisms: tuple[str, ...]
    """The organisms that stand for it, by their names in the case."""


@dataclass(frozen=True, eq=False)
class TransferStage(Stage[TransferMatrix]):
    """The transfer matrix."""

    NAME: ClassVar[str] = "transfer"
    VERSION: ClassVar[int] = 14

    model: ModelInput
    """The case's model, for ablations with an organism's adapter."""
    elicitation: ElicitationStage
    """Conversations of the strategies that generate."""
    readings: tuple[ReadingStage, ...]
    """Readings of organisms and twins."""
    deployment: DeploymentStage
    """The benign conversations, whose hash the matrix records."""
    pool: PoolStage
    """The benign conversations as the case's model reads them."""
    dictionary: DictionarySource
    """The dictionary."""
    sites: tuple[str, ...]
    """Hook sites at which activations were read, the dictionary's first."""
    concerns: tuple[ConcernRule, ...]
    """The concerns, with their organisms."""
    strategies: tuple[StrategyChoice, ...]
    """The strategies whose conversations detectors are learned from."""
    detectors: tuple[str, ...]
    """The detectors that are learned from each strategy."""
    budgets: Budgets
    """The false-positive budget and the true-positive target."""
    windows: tuple[Window, ...]
    """Which tokens detectors read; the first decides verdicts."""
    sizes: TransferSizes
    """Numbers of conversations to read."""
    seed: int
    """Seed of every random draw."""

    def run(self, folder: Path, artefacts: Artefacts) -> None:
        """Write ``transfer.json`` and ``evidence.json``."""
        loaded = artefacts.load(self.dictionary)
        sites = [Site.parse(site) for site in self.sites]
        organisms = [reading.organism for reading in self.readings]
        tokenizer = self.model.open().tokenizer
        matrix = transfer(
            [artefacts.load(reading) for reading in self.readings],
            artefacts.load(self.elicitation),
            loaded.dictionary,
            TransferSettings(
                self.strategies, self.detectors, self.budgets, self.seed, windows=self.windows
            ),
            pool=artefacts.load(self.pool),
            sites=sites,
            causes=AblationSource(
                load=lambda organism: self.model.with_adapter(organism.organism.adapter),
                dictionary=loaded.dictionary,
                site=sites[0],
                sizes=self.sizes,
                seed=self.seed,
            ),
            texts_of=lambda tokens: token_texts(tokenizer, tokens),
            inputs=dictionary_inputs(self.model, loaded)
            | {
                "organisms": organisms_sha256(organisms),
                "conversations": self.deployment.sha256(artefacts.folder(self.deployment)),
            },
        )
        matrix.write(folder)
        write_evidence(folder / "evidence.json", matrix_evidence(matrix))

    def load(self, folder: Path) -> TransferMatrix:
        """The transfer matrix."""
        return TransferMatrix.read(folder)

    def seconds(self) -> float:
        """Rough estimate for fitting and testing."""
        return 12.0 * len(self.readings)
