"""The main job: a case file's stages, one after the other, ending in the report."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from assay.evidence import read_evidence
from assay.files import read_json, remove_partials, write_json
from assay.pipeline.case import Case, read_case
from assay.pipeline.names import CAUGHT, HEADLINE
from assay.pipeline.opened import open_case
from assay.pipeline.stages import Stage, artefact, check_until, is_cached, is_last, run_stage
from assay.pipeline.steps import STAGE_NAMES, stages_of
from assay.progress import timed

LOCK = "case.lock.json"
GATHERED = (
    *("evidence.json", "position.json", "transfer.json", "candidates.json", "monitor.json"),
    *("safety_case.json", "report.html"),
)
"""Files of stages that readers find under fixed names in the case's folder."""


def run_case(
    path: Path,
    out: Path,
    until: str | None = None,
    adjusted: Callable[[Case], Case] = lambda case: case,
) -> dict[str, Any]:
    """Run a case's stages in order, reusing what is there, and gather its output in ``out/NAME``.

    ``adjusted`` changes the case as it was read, for commands that add to it. Returns
    ``{"folder", "report", "figures", "claims"}``. Raises AssayError for bad input.
    """
    case = adjusted(read_case(path))
    check_until(until, list(STAGE_NAMES))
    root = out / case.name
    stages = stages_of(open_case(case), root)
    remove_partials(root)
    done: dict[str, Path] = {}
    for number, stage in enumerate(stages, start=1):
        if is_cached(root, stage):
            done[stage.name] = artefact(root, stage)
        else:
            with timed(f"stage {number} of {len(stages)}, {stage.name}"):
                done[stage.name] = run_stage(root, stage)
        if is_last(stage, stages, until):
            break
    return _gather(case, root, done)


def plan_case(path: Path, out: Path, until: str | None = None) -> dict[str, Any]:
    """The stages of a case, whether each is cached, and an estimate of the seconds to come."""
    case = read_case(path)
    check_until(until, list(STAGE_NAMES))
    root = out / case.name
    rows: list[dict[str, Any]] = []
    stages = stages_of(open_case(case), root)
    for stage in stages:
        cached = is_cached(root, stage)
        seconds = 0.0 if cached else stage.seconds()
        rows.append({"name": stage.name, "cached": cached, "seconds": round(seconds, 1)})
        if is_last(stage, stages, until):
            break
    return {"stages": rows, "seconds": round(sum(row["seconds"] for row in rows), 1)}


def redraw(folder: Path) -> Path:
    """Draw a finished case's report again, with this version's page."""
    lock = read_json(folder / LOCK)
    case = Case.model_validate(lock["case"])
    opened = open_case(case)
    report = _stage_named(stages_of(opened, folder), "report")
    shutil.rmtree(artefact(folder, report), ignore_errors=True)
    made = run_stage(folder, report)
    shutil.copyfile(made / "report.html", folder / "report.html")
    return folder / "report.html"


def _stage_named(stages: list[Stage], name: str) -> Stage:
    return next(stage for stage in stages if stage.name == name)


def _gather(case: Case, root: Path, done: dict[str, Path]) -> dict[str, Any]:
    """Copy what readers look for to fixed names, and write the lock that says where it is from."""
    evidence = root / "evidence"
    evidence.mkdir(parents=True, exist_ok=True)
    records = []
    for name, folder in done.items():
        for file in GATHERED:
            if (folder / file).is_file():
                target = evidence / f"{name}.json" if file == "evidence.json" else root / file
                shutil.copyfile(folder / file, target)
        if (folder / "evidence.json").is_file():
            records += read_evidence(folder / "evidence.json")
    write_json(
        root / LOCK,
        {
            "case": case.model_dump(mode="json"),
            "stages": {name: folder.name for name, folder in done.items()},
        },
    )
    figures = [
        {"metric": record.metric, "estimate": record.estimate, "ci": record.ci}
        for metric in (*HEADLINE, CAUGHT)
        for record in records
        if record.metric == metric
    ]
    report = str(root / "report.html") if "report" in done else None
    claims = _claims(root / "safety_case.json") if "safety-case" in done else {}
    return {"folder": str(root), "report": report, "figures": figures, "claims": claims}


def _claims(path: Path) -> dict[str, str]:
    """Status of the case's top claims."""
    from assay.safety_case.export import read_case as read_safety_case

    case = read_safety_case(path)
    return {node.label: str(node.status) for node in case.nodes if node.id in case.roots}
