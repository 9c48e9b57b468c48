"""Run the stages of a case file in order, up to the report."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from assay.concerns.matrix.figures import CAUGHT
from assay.errors import AssayError
from assay.evidence import read_evidence
from assay.files import remove_partials
from assay.pipeline.case import Case, read_case
from assay.pipeline.result import CaseLock, Plan, PlannedStage, RunResult
from assay.pipeline.run_facts import HEADLINE
from assay.pipeline.run_inputs import inputs_of
from assay.pipeline.stage import (
    Artefacts,
    Stage,
    artefact_folder,
    check_until,
    is_cached,
    is_last,
    run_stage,
)
from assay.pipeline.stages.report_stage import REPORT, ReportStage
from assay.pipeline.stages.safety_case_stage import EVIDENCE
from assay.pipeline.wiring import STAGE_NAMES, stages_of
from assay.progress import timed
from assay.safety_case import SafetyCase

GATHERED = (
    "position.json",
    "transfer.json",
    "candidates.json",
    "monitor.json",
    "safety_case.json",
    REPORT,
)
"""Files of stages that are copied into the case's output folder."""


def run_case(
    path: Path,
    out: Path,
    until: str | None = None,
    adjusted: Callable[[Case], Case] = lambda case: case,
) -> tuple[Path, RunResult]:
    """Run a case's stages in order, reuse finished artefacts, and write the output to ``out/NAME``.

    ``until`` names the last stage. ``adjusted`` changes the case that was read, for commands that
    add to it. Returns the folder and the run's result. Raises AssayError for bad input.
    """
    case = adjusted(read_case(path))
    check_until(until, list(STAGE_NAMES))
    root = out / case.name
    inputs = inputs_of(case)
    stages = _stages_until(stages_of(inputs), until)
    if not all(is_cached(root, stage) for stage in stages):
        inputs.check_model()
    remove_partials(root)
    _lock(case, stages).write(root)
    for number, stage in enumerate(stages, start=1):
        if not is_cached(root, stage):
            with timed(f"stage {number} of {len(stages)}, {stage.name}"):
                run_stage(root, stage)
    return root, _gather(case, root, stages)


def plan_case(path: Path, out: Path, until: str | None = None) -> Plan:
    """The stages of a case, whether each is cached, and an estimate of the remaining seconds.

    Raises AssayError for bad input.
    """
    case = read_case(path)
    check_until(until, list(STAGE_NAMES))
    root = out / case.name
    rows = []
    for stage in _stages_until(stages_of(inputs_of(case)), until):
        cached = is_cached(root, stage)
        seconds = 0.0 if cached else round(stage.seconds(), 1)
        rows.append(PlannedStage(name=stage.name, cached=cached, seconds=seconds))
    return Plan(stages=tuple(rows), seconds=round(sum(row.seconds for row in rows), 1))


def redraw(folder: Path) -> Path:
    """Write a finished case's report again, with this version's page. Needs no model.

    Returns the report's path. Raises AssayError where a stage that the report needs is missing.
    """
    lock = CaseLock.read(folder)
    report = next(s for s in stages_of(inputs_of(lock.case)) if isinstance(s, ReportStage))
    artefacts = Artefacts(folder, report, lock.stages)
    for stage in report.needs:
        if stage.name not in lock.stages or not artefacts.folder(stage).is_dir():
            raise AssayError(
                f"{folder} has no {stage.name}; run the case first: assay run CASE.yaml"
            )
    report.run(folder, artefacts)
    return folder / REPORT


def _stages_until(stages: list[Stage[Any]], until: str | None) -> list[Stage[Any]]:
    """The stages up to and including the last stage of the run."""
    for number, stage in enumerate(stages, start=1):
        if is_last(stage, stages, until):
            return stages[:number]
    return stages


def _lock(case: Case, stages: list[Stage[Any]]) -> CaseLock:
    return CaseLock(case=case, stages={stage.name: stage.key for stage in stages})


def _gather(case: Case, root: Path, stages: list[Stage[Any]]) -> RunResult:
    """Copy results and evidence into the case's output folder, and write run.json."""
    evidence = root / "evidence"
    evidence.mkdir(parents=True, exist_ok=True)
    records = []
    for stage in stages:
        folder = artefact_folder(root, stage)
        for file in GATHERED:
            if (folder / file).is_file():
                shutil.copyfile(folder / file, root / file)
        if (folder / EVIDENCE).is_file():
            shutil.copyfile(folder / EVIDENCE, evidence / f"{stage.name}.json")
            records += read_evidence(folder / EVIDENCE)
    names = tuple(stage.name for stage in stages)
    result = RunResult(
        case=case.name,
        stages=names,
        figures=tuple(r for m in (*HEADLINE, CAUGHT) for r in records if r.metric == m),
        claims=_claims(root) if "safety-case" in names else {},
        report=REPORT if "report" in names else None,
    )
    result.write(root)
    return result


def _claims(root: Path) -> dict[str, str]:
    """Label → status of the case's top claims."""
    case = SafetyCase.read(root)
    return {node.label: str(node.status) for node in case.nodes if node.id in case.roots}
