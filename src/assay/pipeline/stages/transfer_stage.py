"""Transfer: every strategy × detector × organism, and the ablation of what would be admitted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from assay.concerns.budgets import Budgets
from assay.concerns.conversations.transfer_sizes import TransferSizes
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
from assay.pipeline.stage import Made, Stage
from assay.pipeline.stages.deployment_stage import DeploymentStage
from assay.pipeline.stages.elicitation_stage import ElicitationStage
from assay.pipeline.stages.reading_stage import ReadingStage
from assay.strict import StrictModel


class ConcernRule(StrictModel):
    """What of a concern decides verdicts."""

    name: str
    """The concern."""
    severity: str
    """Its severity."""
    allowed_contexts: tuple[str, ...]
    """Where it is fine."""
    organisms: tuple[str, ...]
    """The organisms that stand for it, by their names in the case."""


@dataclass(frozen=True, eq=False)
class TransferStage(Stage[TransferMatrix]):
    """The transfer matrix."""

    NAME: ClassVar[str] = "transfer"
    VERSION: ClassVar[int] = 7

    model: ModelInput
    """The case's model, for ablations with an organism's adapter."""
    elicitation: ElicitationStage
    """Conversations of the strategies that generate."""
    readings: tuple[ReadingStage, ...]
    """Conversations of organisms and twins."""
    deployment: DeploymentStage
    """The benign conversations, to which the matrix is bound."""
    dictionary: DictionarySource
    """The dictionary."""
    site: str
    """Where activations were read."""
    concerns: tuple[ConcernRule, ...]
    """What the organisms stand for."""
    strategies: tuple[StrategyChoice, ...]
    """How detectors are learned."""
    detectors: tuple[str, ...]
    """Which detectors."""
    budgets: Budgets
    """What a detector may cost and must catch."""
    sizes: TransferSizes
    """How many conversations are read."""
    seed: int
    """Every random draw derives from it."""

    def run(self, folder: Path, made: Made) -> None:
        """Write ``transfer.json`` and ``evidence.json``."""
        loaded = made.load(self.dictionary)
        site = Site.parse(self.site)
        organisms = [reading.organism for reading in self.readings]
        matrix = transfer(
            [made.load(reading) for reading in self.readings],
            made.load(self.elicitation),
            loaded.dictionary,
            TransferSettings(self.strategies, self.detectors, self.budgets, self.seed),
            site=site,
            causes=AblationSource(
                load=lambda organism: self.model.with_adapter(organism.organism.adapter),
                dictionary=loaded.dictionary,
                site=site,
                sizes=self.sizes,
                seed=self.seed,
            ),
            inputs=dictionary_inputs(self.model, loaded)
            | {
                "organisms": organisms_sha256(organisms),
                "conversations": self.deployment.sha256(made.folder(self.deployment)),
            },
        )
        matrix.write(folder)
        write_evidence(folder / "evidence.json", matrix_evidence(matrix))

    def load(self, folder: Path) -> TransferMatrix:
        """The matrix."""
        return TransferMatrix.read(folder)

    def seconds(self) -> float:
        """Fitting and testing, about."""
        return 12.0 * len(self.readings)
