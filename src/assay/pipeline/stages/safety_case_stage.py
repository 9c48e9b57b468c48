"""Stage safety-case: build the argument, with its statuses, from the other stages' results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from assay.concerns.candidates import CandidateReport
from assay.concerns.matrix import TransferMatrix
from assay.evidence import Evidence, read_evidence
from assay.files import sha256_of
from assay.monitoring import Monitor
from assay.pipeline.inputs import ModelInput
from assay.pipeline.stage import Artefacts, Stage
from assay.pipeline.stages.candidates_stage import CandidatesStage
from assay.pipeline.stages.monitor_stage import MonitorStage
from assay.pipeline.stages.position_stage import PositionStage
from assay.pipeline.stages.quality_stage import QualityStage
from assay.pipeline.stages.transfer_stage import TransferStage
from assay.position import PositionResult
from assay.safety_case import CaseInputs, SafetyCase, build_case, read_case

EVIDENCE = "evidence.json"
"""File of a stage's records of evidence."""


@dataclass(frozen=True, eq=False)
class SafetyCaseStage(Stage[SafetyCase]):
    """The safety case."""

    NAME: ClassVar[str] = "safety-case"
    VERSION: ClassVar[int] = 8

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
        case = case_from(
            {stage.name: artefacts.folder(stage) for stage in self.needs},
            case=self.case,
            model=self.model.fingerprint,
            concerns=self.concerns,
            seed=self.seed,
        )
        case.write(folder)

    def load(self, folder: Path) -> SafetyCase:
        """The safety case, with its statuses checked."""
        return read_case(folder)

    def seconds(self) -> float:
        """Negligible."""
        return 1.0


def case_from(
    folders: Mapping[str, Path],
    *,
    case: str,
    model: str,
    concerns: tuple[str, ...],
    seed: int,
) -> SafetyCase:
    """The safety case that the results in stages' artefacts support.

    ``folders`` maps each stage that the case may cite to its artefact; ``model`` is the fingerprint of
    the model that the case is about.
    """
    evidence: list[Evidence] = []
    files: dict[str, str] = {}
    for name, folder in folders.items():
        path = folder / EVIDENCE
        if path.is_file():
            shown = f"evidence/{name}.json"
            files[shown] = sha256_of(path)
            cited = {"file": shown}
            evidence += [r.model_copy(update=cited) for r in read_evidence(path)]
    for stage, kind in (
        (PositionStage, PositionResult),
        (TransferStage, TransferMatrix),
        (CandidatesStage, CandidateReport),
        (MonitorStage, Monitor),
    ):
        files[kind.FILE] = sha256_of(folders[stage.NAME] / kind.FILE)
    return build_case(
        CaseInputs(
            case=case,
            model=model,
            seed=seed,
            evidence=tuple(evidence),
            position=PositionResult.read(folders[PositionStage.NAME]),
            transfer=TransferMatrix.read(folders[TransferStage.NAME]),
            candidates=CandidateReport.read(folders[CandidatesStage.NAME]),
            monitor=Monitor.read(folders[MonitorStage.NAME]),
            concerns=concerns,
            files=files,
        )
    )
