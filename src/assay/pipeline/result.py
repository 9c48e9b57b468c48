"""run.json: what a whole run came to; and a case's output folder, read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

from assay import reporting
from assay.concerns.candidates.result import CandidateReport
from assay.concerns.matrix.result import TransferMatrix
from assay.dictionaries.quality_result import QualityResult
from assay.errors import AssayError
from assay.evidence import Evidence, evidence_frame, read_evidence
from assay.frames import DataFrame
from assay.monitoring.result import Monitor
from assay.pipeline.case import Case
from assay.pipeline.case_lock import CaseLock
from assay.pipeline.contents import Sha256
from assay.pipeline.stage import STAGES
from assay.position.result import PositionResult
from assay.results import Figures, Result
from assay.safety_case import SafetyCase, read_case

DICTIONARY = "dictionary"
"""Name of the stage that trains the dictionary, and of the dictionary's folder in its artefact."""
QUALITY = "quality"
"""Name of the stage that measures the dictionary."""


class FinishedStage(Figures):
    """A stage that is done, bound to its artefact."""

    name: str
    """The stage."""
    folder: str
    """Its artefact's folder under ``stages``."""
    contents: Sha256
    """sha256 of the artefact's ``contents.json``, which has the hash of each of its files."""


class RunResult(Result):
    """run.json: the stages, the main figures and the claims of a run."""

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
    """The main figures of the run."""
    claims: dict[str, str]
    """Label of each top claim → its status; empty without a safety case."""
    report: str | None
    """File of the report, relative to the case's folder; None without a report."""

    def _repr_html_(self) -> str:
        """What a notebook shows: the claims with their status, and the figures."""
        return reporting.html_of_run(self.case, self.claims, self.figures, report=self.report)


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
    def lock(self) -> CaseLock:
        """The settings and every stage's key."""
        return CaseLock.read(self.folder)

    @property
    def case(self) -> Case:
        """The settings that were run."""
        return self.lock.case

    @property
    def dictionary_folder(self) -> Path | None:
        """Folder for ``load_dictionary``: the dictionary trained here, or the one that the case names.

        None where the run was ended before a dictionary was trained.
        """
        if self.case.dictionary.path is not None:
            return Path(self.case.dictionary.path)
        stage = self._artefact(DICTIONARY)
        return None if stage is None else stage / DICTIONARY

    @cached_property
    def quality(self) -> QualityResult:
        """The dictionary's quality on held-out text."""
        stage = self._artefact(QUALITY)
        if stage is None:
            raise AssayError(f"{self.folder} was run without the stage '{QUALITY}'")
        return QualityResult.read(stage)

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

    def _artefact(self, stage: str) -> Path | None:
        """Folder of a stage's artefact; None where the run was ended before the stage."""
        folder = self.lock.folders.get(stage)
        return None if folder is None else self.folder / STAGES / folder

    def evidence_frame(self) -> DataFrame:
        """Every record of evidence as a pandas table. Raises AssayError without pandas."""
        return evidence_frame(self.evidence)

    def _repr_html_(self) -> str | None:
        """What a notebook shows: claims and figures; None where the run has not ended."""
        return self.result._repr_html_() if (self.folder / RunResult.FILE).is_file() else None


def read_run(folder: Path | str) -> Run:
    """The results in a case's output folder, such as out/smollm2.

    Each result is read on first use: ``transfer``, ``candidates``, ``monitor``, ``position``,
    ``quality``, ``safety_case``, ``evidence``, and ``result`` with the main figures. Tables:
    ``transfer.to_frame()``, ``position.to_frame()``, ``candidates.to_frame()``, ``evidence_frame()``.
    Raises AssayError where the folder has no case.lock.json, and on reading a missing result.
    """
    run = Run(Path(folder))
    _ = run.lock  # read now, so that a folder that is none is refused here
    return run
