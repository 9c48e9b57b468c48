"""The files of a run: case.lock.json, run.json, and the results in the case's output folder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

from assay.concerns.candidates.result import CandidateReport
from assay.concerns.matrix.result import TransferMatrix
from assay.evidence import Evidence, read_evidence
from assay.monitoring.result import Monitor
from assay.pipeline.case import Case
from assay.position.result import PositionResult
from assay.results import Figures, Result
from assay.safety_case import SafetyCase, read_case


class CaseLock(Result):
    """case.lock.json: the settings and every stage's key, written before the stages run."""

    FILE: ClassVar[str] = "case.lock.json"
    MADE_BY: ClassVar[str] = "assay run CASE.yaml"

    version: Literal[2] = 2
    """Version of the layout."""
    case: Case
    """The settings."""
    stages: dict[str, str]
    """Name of a stage → folder of its artefact under ``stages``."""


class RunResult(Result):
    """run.json: the stages, the main figures and the claims of a run."""

    FILE: ClassVar[str] = "run.json"
    MADE_BY: ClassVar[str] = "assay run CASE.yaml"

    version: Literal[1] = 1
    """Version of the layout."""
    case: str
    """The case's name."""
    stages: tuple[str, ...]
    """Names of the completed stages, in order."""
    figures: tuple[Evidence, ...]
    """The main figures of the run."""
    claims: dict[str, str]
    """Label of each top claim → its status; empty without a safety case."""
    report: str | None
    """File of the report, relative to the case's folder; None without a report."""


class PlannedStage(Figures):
    """A stage of a planned run."""

    name: str
    """The stage."""
    cached: bool
    """Whether its artefact exists."""
    seconds: float
    """Estimated duration; 0 where it is cached."""


class Plan(Figures):
    """The stages of a planned run, with an estimate of its duration on this machine."""

    stages: tuple[PlannedStage, ...]
    """The stages, in order."""
    seconds: float
    """Estimated total duration."""


@dataclass(frozen=True)
class Run:
    """The results in a case's output folder, each read on first use."""

    folder: Path
    """The folder, such as out/smollm2."""

    @cached_property
    def result(self) -> RunResult:
        """The main figures and claims."""
        return RunResult.read(self.folder)

    @cached_property
    def case(self) -> Case:
        """The settings that were run."""
        return CaseLock.read(self.folder).case

    @cached_property
    def position(self) -> PositionResult:
        """The position audit."""
        return PositionResult.read(self.folder)

    @cached_property
    def transfer(self) -> TransferMatrix:
        """The transfer matrix."""
        return TransferMatrix.read(self.folder)

    @cached_property
    def candidates(self) -> CandidateReport:
        """The candidate features."""
        return CandidateReport.read(self.folder)

    @cached_property
    def monitor(self) -> Monitor:
        """The calibrated monitor."""
        return Monitor.read(self.folder)

    @cached_property
    def safety_case(self) -> SafetyCase:
        """The safety case."""
        return read_case(self.folder)

    @cached_property
    def evidence(self) -> list[Evidence]:
        """Every record of evidence of the run."""
        files = sorted((self.folder / "evidence").glob("*.json"))
        return [record for file in files for record in read_evidence(file)]


def read_run(folder: Path | str) -> Run:
    """The results in a case's output folder.

    Raises AssayError where the folder has no case.lock.json.
    """
    run = Run(Path(folder))
    CaseLock.read(run.folder)
    return run
