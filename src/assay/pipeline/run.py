"""Run the stages of a case file in order, up to the report."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from assay.errors import AssayError
from assay.files import remove_partials
from assay.pipeline.analysis_lock import history_of, locked
from assay.pipeline.case import Case, read_case
from assay.pipeline.case_lock import CaseLock
from assay.pipeline.contents import CheckedArtefacts
from assay.pipeline.gathering import gather
from assay.pipeline.result import Plan, PlannedStage, RunResult
from assay.pipeline.run_inputs import inputs_of
from assay.pipeline.stage import (
    STAGES,
    Artefacts,
    Stage,
    check_until,
    is_cached,
    is_last,
    run_stage,
)
from assay.pipeline.stages.report_stage import REPORT, ReportStage
from assay.pipeline.wiring import STAGE_NAMES, stages_of
from assay.progress import duration, timed


def run_case(
    path: Path,
    out: Path,
    until: str | None = None,
    *,
    adjusted: Callable[[Case], Case] = lambda case: case,
    amend: str | None = None,
) -> tuple[Path, RunResult]:
    """Run a case's stages in order, reuse finished artefacts, and write the output to ``out/NAME``.

    ``adjusted`` changes the case as it was read, for commands that add to it; ``amend`` is the reason
    for changing the analysis after the test split was read. Returns the folder and what the run came
    to. Raises AssayError for bad input, for an artefact that was changed since it was made, and for
    a changed analysis without a reason.
    """
    case = adjusted(read_case(path))
    check_until(until, list(STAGE_NAMES))
    root = out / case.name
    inputs = inputs_of(case)
    lock, every = locked(root, case, lambda history: stages_of(inputs, history), amend)
    stages = _stages_until(every, until)
    if not all(is_cached(root, stage) for stage in stages):
        inputs.check_model()
    remove_partials(root)
    lock.write(root)
    checked = CheckedArtefacts()
    took: dict[str, list[float]] = {}
    for number, stage in enumerate(stages, start=1):
        if not is_cached(root, stage):
            with timed(f"stage {number} of {len(stages)}, {stage.name}") as seconds:
                run_stage(root, stage, checked)
            took.setdefault(stage.NAME, []).append(seconds())
    if took:
        print(time_in_words(took), file=sys.stderr, flush=True)
    return root, gather(root, lock, checked)


def time_in_words(took: Mapping[str, Sequence[float]]) -> str:
    """Where a run's time went, the longest first; ``took`` has the seconds of each kind of stage."""
    longest = sorted(took.items(), key=lambda each: -sum(each[1]))
    parts = [
        f"{name} {duration(sum(seconds))}"
        + (f" ({len(seconds)} stages)" if len(seconds) > 1 else "")
        for name, seconds in longest
        if round(sum(seconds))
    ]
    total = sum(sum(seconds) for seconds in took.values())
    return f"time: {duration(total)}" + (f"; {', '.join(parts)}" if parts else "")


def plan_case(path: Path, out: Path, until: str | None = None) -> Plan:
    """The stages of a case, whether each is cached, and an estimate of the remaining seconds.

    Raises AssayError for bad input.
    """
    case = read_case(path)
    check_until(until, list(STAGE_NAMES))
    root = out / case.name
    rows = []
    for stage in _stages_until(stages_of(inputs_of(case), history_of(root)), until):
        cached = is_cached(root, stage)
        seconds = 0.0 if cached else round(stage.seconds(), 1)
        rows.append(PlannedStage(name=stage.name, cached=cached, seconds=seconds))
    return Plan(stages=tuple(rows), seconds=round(sum(row.seconds for row in rows), 1))


def redraw(folder: Path) -> Path:
    """Write a finished case's report again, with this version's page. Needs no model.

    Returns the report's path. Raises AssayError where a stage that the report needs is missing.
    """
    lock = CaseLock.read(folder)
    stages = stages_of(inputs_of(lock.case), lock.history)
    report = next(stage for stage in stages if isinstance(stage, ReportStage))
    artefacts = Artefacts(folder, report, lock.folders)
    for stage in report.needs:
        if not (folder / STAGES / lock.folders.get(stage.name, "none")).is_dir():
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
