"""The fixed names under which readers find a run's output, and the summary of it, run.json."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from assay.concerns.matrix.figures import CAUGHT
from assay.evidence import Evidence, read_evidence
from assay.files import atomic_file, sha256_of
from assay.pipeline.case_lock import CaseLock
from assay.pipeline.contents import CheckedArtefacts, Contents
from assay.pipeline.result import FinishedStage, RunResult
from assay.pipeline.run_facts import HEADLINE
from assay.pipeline.stage import STAGES
from assay.pipeline.stages.report_stage import REPORT
from assay.pipeline.stages.safety_case_stage import EVIDENCE
from assay.safety_case import SafetyCase

GATHERED = (
    "position.json",
    "transfer.json",
    "candidates.json",
    "monitor.json",
    SafetyCase.FILE,
    REPORT,
)
"""Files of stages that readers find under fixed names in the case's folder."""
EVIDENCE_FOLDER = "evidence"
"""Folder of the evidence of all stages, a file each."""


def gather(root: Path, lock: CaseLock, checked: CheckedArtefacts) -> RunResult:
    """Copy what readers look for to fixed names, and write what the run came to.

    Raises AssayError, naming the file, where an artefact was changed since it was made.
    """
    for name, folder in finished_stages(root, lock).items():
        checked.check(folder)
        for copy, original in copies(name, folder).items():
            with atomic_file(root / copy) as aside:
                shutil.copyfile(original, aside)
    result = summary(root, lock)
    result.write(root)
    return result


def finished_stages(root: Path, lock: CaseLock) -> dict[str, Path]:
    """Stage → artefact of each stage of the lock that is done, in order."""
    folders = {name: root / STAGES / folder for name, folder in lock.folders.items()}
    return {name: folder for name, folder in folders.items() if folder.is_dir()}


def copies(stage: str, folder: Path) -> dict[str, Path]:
    """Fixed name, relative to the case's folder → the file of a stage's artefact that it copies."""
    found = {file: folder / file for file in GATHERED if (folder / file).is_file()}
    if (folder / EVIDENCE).is_file():
        found[f"{EVIDENCE_FOLDER}/{stage}.json"] = folder / EVIDENCE
    return found


def summary(root: Path, lock: CaseLock) -> RunResult:
    """What a run came to, from its lock and its artefacts."""
    folders = finished_stages(root, lock)
    records = [record for folder in folders.values() for record in _evidence(folder)]
    return RunResult(
        case=lock.case.name,
        lock=sha256_of(root / CaseLock.FILE),
        stages=tuple(
            FinishedStage(name=name, folder=folder.name, contents=sha256_of(folder / Contents.FILE))
            for name, folder in folders.items()
        ),
        figures=tuple(r for m in (*HEADLINE, CAUGHT) for r in records if r.metric == m),
        claims=dict(_claims(folders["safety-case"])) if "safety-case" in folders else {},
        report=REPORT if "report" in folders else None,
    )


def _evidence(folder: Path) -> list[Evidence]:
    return read_evidence(folder / EVIDENCE) if (folder / EVIDENCE).is_file() else []


def _claims(folder: Path) -> Iterator[tuple[str, str]]:
    """Status of the case's top claims."""
    case = SafetyCase.read(folder)
    for node in case.nodes:
        if node.id in case.roots:
            yield node.label, str(node.status)
