"""Stage candidates: the features that may stand for each concern, and what they fire on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from assay.concerns.candidates import CandidateReport, CandidateSource, find_candidates
from assay.concerns.strategies import StrategyChoice
from assay.models import Site
from assay.pipeline.dictionary_source import DictionarySource, dictionary_inputs
from assay.pipeline.inputs import ModelInput, organisms_sha256
from assay.pipeline.stage import Artefacts, Stage
from assay.pipeline.stages.elicitation_stage import ElicitationStage
from assay.pipeline.stages.position_stage import PositionStage
from assay.pipeline.stages.reading_stage import ReadingStage
from assay.position import PositionResult


@dataclass(frozen=True, eq=False)
class CandidatesStage(Stage[CandidateReport]):
    """The candidate features of each concern."""

    NAME: ClassVar[str] = "candidates"
    VERSION: ClassVar[int] = 9

    model: ModelInput
    """The case's model, for its tokenizer and its unembedding."""
    elicitation: ElicitationStage
    """Conversations of the strategies that generate."""
    readings: tuple[ReadingStage, ...]
    """Readings of organisms and twins."""
    position: PositionStage
    """The position audit, for the position labels."""
    dictionary: DictionarySource
    """The dictionary."""
    site: str
    """Hook site at which activations were read."""
    concerns: tuple[str, ...]
    """The concerns, each with its organisms, in order."""
    strategies: tuple[StrategyChoice, ...]
    """The strategies whose conversations rank the candidates."""
    seed: int
    """Seed of every random draw."""

    def run(self, folder: Path, artefacts: Artefacts) -> None:
        """Write ``candidates.json``."""
        loaded = artefacts.load(self.dictionary)
        organisms = [reading.organism for reading in self.readings]
        report = find_candidates(
            [artefacts.load(reading) for reading in self.readings],
            artefacts.load(self.elicitation),
            self.strategies,
            CandidateSource(
                self.model.open(),
                Site.parse(self.site),
                loaded.dictionary,
                position_labels(artefacts.load(self.position)),
            ),
            inputs=dictionary_inputs(self.model, loaded)
            | {"organisms": organisms_sha256(organisms)},
            seed=self.seed,
        )
        report.write(folder)

    def load(self, folder: Path) -> CandidateReport:
        """The candidates."""
        return CandidateReport.read(folder)

    def seconds(self) -> float:
        """Rough estimate for permutations and labels."""
        return 20.0


def position_labels(audit: PositionResult) -> dict[int, str] | None:
    """Feature → label of the position audit; None where the causal design was not run."""
    labels = {f.feature: str(f.label) for f in audit.features if f.label is not None}
    return labels or None
