"""`assay verify`: whether the files of a finished run are the ones that it wrote, and fit together.

``run.json`` has the hash of the lock and of every artefact's ``contents.json``, and each of these the
hashes of its artefact's files and of the artefacts that they were made from. So the hash of
``run.json``, the head, covers the whole run. This finds accidents and edits of some files. Who
rewrites all files and all hashes can forge a run: publish the head, or keep it elsewhere, and compare.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from assay.concerns.candidates import CandidateReport
from assay.concerns.matrix import TransferMatrix
from assay.dictionaries import DecodedContexts
from assay.dictionaries.quality_result import QualityResult
from assay.errors import AssayError
from assay.evidence import read_evidence
from assay.files import sha256_of
from assay.monitoring import Monitor, open_journal
from assay.monitoring.journal import JOURNAL
from assay.pipeline.case_lock import CaseLock
from assay.pipeline.contents import CheckedArtefacts, Contents
from assay.pipeline.gathering import (
    EVIDENCE_FOLDER,
    GATHERED,
    copies,
    finished_stages,
    summary,
)
from assay.pipeline.result import RunResult
from assay.pipeline.run_facts import RunFacts
from assay.pipeline.stage import STAGES
from assay.pipeline.stages.safety_case_stage import SafetyCaseStage, case_from
from assay.pipeline.stages.transfer_stage import TransferStage
from assay.position import PositionResult
from assay.results import Figures, Result
from assay.safety_case import SafetyCase

RESULTS: tuple[type[Result], ...] = (
    RunFacts,
    QualityResult,
    PositionResult,
    DecodedContexts,
    TransferMatrix,
    CandidateReport,
    Monitor,
)
"""Results that are read back from wherever a stage wrote them; the safety case is read apart."""


class RunVerification(Figures):
    """What was checked of a finished run; there is one only where everything fits."""

    checks: tuple[str, ...]
    """What fits, in words, in the order of checking."""
    head: str
    """sha256 of ``run.json``: publish it, and nothing of the run can be changed unnoticed."""
    journal_head: str | None
    """Hash of the last row of the monitor's journal; None where nothing was watched."""


def verify_run(
    folder: Path, *, expected: str | None = None, tell: Callable[[str], None] = lambda check: None
) -> RunVerification:
    """Check every file of a finished run; ``tell`` hears of each check that is passed.

    ``expected`` is the head as it was published. Raises AssayError, naming the first file that does
    not fit and why. No model is needed.
    """
    checks: list[str] = []

    def passed(check: str) -> None:
        checks.append(check)
        tell(check)

    lock = CaseLock.read(folder)
    passed(f"{CaseLock.FILE}: has the hash that it states")
    run = _summary_as_stored(folder, lock, expected)
    passed(f"{RunResult.FILE}: of this lock, {len(run.stages)} of {len(lock.stages)} stages done")
    files = _check_artefacts(folder, lock, run)
    passed(f"stages: {files} files as they were made, each from the artefacts that lie there")
    passed(f"{_check_copies(folder, lock)} gathered files: equal to the stages' own")
    passed(f"{_check_results(folder, lock)} results: of this version of Assay")
    if run != summary(folder, lock):
        raise AssayError(f"{folder / RunResult.FILE}: its figures are not those of the stages")
    passed(f"{RunResult.FILE}: its figures and claims follow from the stages'")
    if SafetyCaseStage.NAME in finished_stages(folder, lock):
        _check_safety_case(folder, lock)
        passed(f"{SafetyCase.FILE}: follows from the results")
    journal = _journal_head(folder)
    if journal is not None:
        passed(f"{JOURNAL}: its chain is whole")
    return RunVerification(
        checks=tuple(checks), head=sha256_of(folder / RunResult.FILE), journal_head=journal
    )


def _summary_as_stored(folder: Path, lock: CaseLock, expected: str | None) -> RunResult:
    """run.json, bound to the lock and to the artefacts."""
    path = folder / RunResult.FILE
    run = RunResult.read(path)
    text = json.dumps(run.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"
    if path.read_bytes() != text.encode():
        raise AssayError(f"{path} was edited: it is not laid out as Assay writes it")
    if run.lock != sha256_of(folder / CaseLock.FILE):
        raise AssayError(f"{folder / CaseLock.FILE} is not the lock that {RunResult.FILE} states")
    done = {name: path.name for name, path in finished_stages(folder, lock).items()}
    stated = {stage.name: stage.folder for stage in run.stages}
    for name, artefact in stated.items():
        if done.get(name) != artefact:
            raise AssayError(
                f"{path} states {STAGES}/{artefact} of {name}, which is missing or not in the lock"
            )
    if list(done) != list(stated):
        raise AssayError(f"{path} does not state the stages that are done")
    if expected is not None and sha256_of(path) != expected:
        raise AssayError(f"{path} is whole, but its hash is not the head {expected}")
    return run


def _check_artefacts(folder: Path, lock: CaseLock, run: RunResult) -> int:
    """Hashes of every artefact's files, from run.json down; returns how many files."""
    checked = CheckedArtefacts()
    stated = {stage.name: stage.contents for stage in run.stages}
    count = 0
    for name, artefact in finished_stages(folder, lock).items():
        path = artefact / Contents.FILE
        if not path.is_file() or sha256_of(path) != stated[name]:
            raise AssayError(f"{path} is not the one that {RunResult.FILE} states")
        checked.check(artefact)
        contents = Contents.read(path)
        count += 1 + len(contents.files)
        if (contents.stage, contents.identity) != (name, lock.stages[name].identity):
            raise AssayError(f"{path} is of another stage or other settings than the lock's")
        for source, sha256 in contents.made_from.items():
            if stated.get(source) != sha256:
                raise AssayError(f"{artefact} was made from another {source} than lies there")
    return count


def _check_copies(folder: Path, lock: CaseLock) -> int:
    """That files under fixed names are the artefacts' own; returns how many."""
    expected: dict[str, Path] = {}
    for name, artefact in finished_stages(folder, lock).items():
        expected |= copies(name, artefact)
    for name, original in expected.items():
        if not (folder / name).is_file():
            raise AssayError(f"{folder / name} is missing; 'assay run' puts it there")
        if sha256_of(folder / name) != sha256_of(original):
            raise AssayError(f"{folder / name} is not the one that {original.parent} has")
    there = [name for name in GATHERED if (folder / name).is_file()]
    there += [f"{EVIDENCE_FOLDER}/{p.name}" for p in sorted((folder / EVIDENCE_FOLDER).glob("*"))]
    for name in there:
        if name not in expected:
            raise AssayError(f"{folder / name} is of no stage of this run: it is an older one's")
    return len(expected)


def _check_results(folder: Path, lock: CaseLock) -> int:
    """That every result can be read by this version of Assay; returns how many."""
    count = 0
    for artefact in finished_stages(folder, lock).values():
        for kind in RESULTS:
            if (artefact / kind.FILE).is_file():
                kind.read(artefact)
                count += 1
    for path in sorted((folder / EVIDENCE_FOLDER).glob("*.json")):
        read_evidence(path)
        count += 1
    return count


def _check_safety_case(folder: Path, lock: CaseLock) -> None:
    """That the case is the one that this version of Assay builds from the results."""
    folders = finished_stages(folder, lock)
    stored = SafetyCase.read(folder)
    sources = Contents.read(folders[SafetyCaseStage.NAME]).made_from
    model = TransferMatrix.read(folders[TransferStage.NAME]).inputs["model"]
    derived = case_from(
        {name: folders[name] for name in sources},
        case=lock.case.name,
        model=model,
        concerns=tuple(concern.name for concern in lock.case.concerns),
        seed=lock.case.seed,
    )
    differing = _first_difference(_comparable(stored), _comparable(derived))
    if differing is not None:
        raise AssayError(
            f"{folder / SafetyCase.FILE}: {differing} does not follow from the results (the run was "
            f"made by Assay {lock.code})"
        )


def _comparable(case: SafetyCase) -> dict[str, Any]:
    """A case as JSON values, floats to nine digits: another machine's may differ in the last ones."""

    def rounded(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: rounded(part) for name, part in value.items()}
        if isinstance(value, list):
            return [rounded(part) for part in value]
        return float(f"{value:.9g}") if isinstance(value, float) else value

    return {name: rounded(part) for name, part in case.model_dump(mode="json").items()}


def _first_difference(stored: Mapping[str, Any], derived: Mapping[str, Any]) -> str | None:
    """Which node, or else which other part of the case, differs first; None where none does."""
    known = {node["id"]: node for node in derived["nodes"]}
    for node in stored["nodes"]:
        if node != known.get(node["id"]):
            return f"node {node['id']}"
    return next((f"'{name}'" for name in stored if stored[name] != derived[name]), None)


def _journal_head(folder: Path) -> str | None:
    """Hash of the journal's last row, its chain verified; None without a journal."""
    path = folder / JOURNAL
    if not path.is_file():
        return None
    with open_journal(path, Monitor.read(folder).sha256) as journal:
        return journal.head
