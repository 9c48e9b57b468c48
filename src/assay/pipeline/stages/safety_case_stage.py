"""Safety case: from the other stages' results to an argument with statuses."""

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
from assay.pipeline.stage import Made, Stage
from assay.pipeline.stages.candidates_stage import CandidatesStage
from assay.pipeline.stages.monitor_stage import MonitorStage
from assay.pipeline.stages.position_stage import PositionStage
from assay.pipeline.stages.quality_stage import QualityStage
from assay.pipeline.stages.transfer_stage import TransferStage
from assay.position import PositionResult
from assay.safety_case import CaseInputs, SafetyCase, build_case, read_case

EVIDENCE = "evidence.json"


@dataclass(frozen=True, eq=False)
class SafetyCaseStage(Stage[SafetyCase]):
    """The argument."""

    NAME: ClassVar[str] = "safety-case"
    VERSION: ClassVar[int] = 7

    case: str
    """The case's name."""
    model: ModelInput
    """The model that the case speaks of."""
    concerns: tuple[str, ...]
    """The case's concerns, so that a concern without an organism is missed."""
    seed: int
    """The run's seed, which every cited figure states."""
    quality: QualityStage
    """The dictionary's figures."""
    position: PositionStage
    """The position audit."""
    transfer: TransferStage
    """The transfer matrix."""
    candidates: CandidatesStage
    """The candidate features."""
    monitor: MonitorStage
    """The monitor."""

    def run(self, folder: Path, made: Made) -> None:
        """Write ``safety_case.json``."""
        case = case_from(
            {stage.name: made.folder(stage) for stage in self.needs},
            case=self.case,
            model=self.model.fingerprint,
            concerns=self.concerns,
            seed=self.seed,
        )
        case.write(folder)

    def load(self, folder: Path) -> SafetyCase:
        """The case, its statuses checked."""
        return read_case(folder)

    def seconds(self) -> float:
        """Next to nothing."""
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
