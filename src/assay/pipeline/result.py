"""run.json: what a whole run came to; and a case's output folder, read."""

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
from assay.pipeline.case_lock import CaseLock
from assay.pipeline.contents import Sha256
from assay.position.result import PositionResult
from assay.results import Figures, Result
from assay.safety_case import SafetyCase, read_case


class FinishedStage(Figures):
    """A stage that is done, bound to its artefact."""

    name: str
    """The stage."""
    folder: str
    """Its artefact's folder under ``stages``."""
    contents: Sha256
    """sha256 of the artefact's ``contents.json``, which has the hash of each of its files."""


class RunResult(Result):
    """What a run came to."""

    FILE: ClassVar[str] = "run.json"
    MADE_BY: ClassVar[str] = "assay run CASE.yaml"

    version: Literal[2] = 2
    """Version of the layout."""
    case: str
    """The case's name."""
    lock: Sha256
    """sha256 of ``case.lock.json``."""
    stages: tuple[FinishedStage, ...]
    """The stages that are done, in order."""
    figures: tuple[Evidence, ...]
    """The figures that a run ends with."""
    claims: dict[str, str]
    """Label of each top claim → its status; empty where no safety case was made."""
    report: str | None
    """The report's file, relative to the case's folder; None where it was not made."""


class PlannedStage(Figures):
    """A stage that a run would come to."""

    name: str
    """The stage."""
    cached: bool
    """Whether its artefact is there already."""
    seconds: float
    """Estimated duration; 0 where it is cached."""


class Plan(Figures):
    """What a run would do, and how long it would take on this machine."""

    stages: tuple[PlannedStage, ...]
    """The stages, in order."""
    seconds: float
    """In all."""


@dataclass(frozen=True)
class Run:
    """A case's output folder, its results read when they are asked for."""

    folder: Path
    """The folder, such as out/smollm2."""

    @cached_property
    def result(self) -> RunResult:
        """The figures and claims."""
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
        """The argument."""
        return read_case(self.folder)

    @cached_property
    def evidence(self) -> list[Evidence]:
        """Every record of evidence."""
        files = sorted((self.folder / "evidence").glob("*.json"))
        return [record for file in files for record in read_evidence(file)]


def read_run(folder: Path | str) -> Run:
    """The results of a case's output folder. Raises AssayError where it is none."""
    run = Run(Path(folder))
    CaseLock.read(run.folder)
    return run
