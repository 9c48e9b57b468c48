"""Stage safety-case: build the argument, with its statuses, from the other stages' results."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from assay.evidence import Evidence, read_evidence
from assay.files import sha256_of
from assay.pipeline.inputs import ModelInput
from assay.pipeline.stage import Artefacts, Stage
from assay.pipeline.stages.candidates_stage import CandidatesStage
from assay.pipeline.stages.monitor_stage import MonitorStage
from assay.pipeline.stages.position_stage import PositionStage
from assay.pipeline.stages.quality_stage import QualityStage
from assay.pipeline.stages.transfer_stage import TransferStage
from assay.safety_case import CaseInputs, SafetyCase, build_case, read_case

EVIDENCE = "evidence.json"
"""File of a stage's records of evidence."""


@dataclass(frozen=True, eq=False)
class SafetyCaseStage(Stage[SafetyCase]):
    """The safety case."""

    NAME: ClassVar[str] = "safety-case"
    VERSION: ClassVar[int] = 6

    case: str
    """The case's name."""
    model: ModelInput
    """The model that the claims are about."""
    concerns: tuple[str, ...]
    """Names of the case's concerns, so that a concern without any cell is reported as open."""
    seed: int
    """Seed of the run, which cited figures state."""
    quality: QualityStage
    """The dictionary's quality figures."""
    position: PositionStage
    """The position audit."""
    transfer: TransferStage
    """The transfer matrix."""
    candidates: CandidatesStage
    """The candidate features."""
    monitor: MonitorStage
    """The monitor."""

    def run(self, folder: Path, artefacts: Artefacts) -> None:
        """Write ``safety_case.json``."""
        evidence: list[Evidence] = []
        files: dict[str, str] = {}
        for stage in self.needs:
            path = artefacts.folder(stage) / EVIDENCE
            if path.is_file():
                shown = f"evidence/{stage.name}.json"
                files[shown] = sha256_of(path)
                cited = {"file": shown}
                evidence += [r.model_copy(update=cited) for r in read_evidence(path)]
        transfer, candidates, monitor = (
            artefacts.load(self.transfer),
            artefacts.load(self.candidates),
            artefacts.load(self.monitor),
        )
        for stage, result in (
            (self.transfer, transfer),
            (self.candidates, candidates),
            (self.monitor, monitor),
        ):
            files[result.FILE] = sha256_of(artefacts.folder(stage) / result.FILE)
        case = build_case(
            CaseInputs(
                case=self.case,
                model=self.model.fingerprint,
                seed=self.seed,
                evidence=tuple(evidence),
                transfer=transfer,
                candidates=candidates,
                monitor=monitor,
                concerns=self.concerns,
                files=files,
            )
        )
        case.write(folder)

    def load(self, folder: Path) -> SafetyCase:
        """The safety case, with its statuses checked."""
        return read_case(folder)

    def seconds(self) -> float:
        """Negligible."""
        return 1.0
