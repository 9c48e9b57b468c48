"""Build a fleet: train and verify every organism and twin of a file, resuming where it stopped."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from assay.organisms.adapter_training import BASE, train_organism
from assay.organisms.admitting import judge_fleet_again
from assay.organisms.folder import MANIFEST, PROMPTS, load_organism, read_prompts
from assay.organisms.manifest import TwinKind
from assay.organisms.recipe import Recipe
from assay.organisms.recipe_file import read_recipe
from assay.organisms.recipes import RECIPES
from assay.organisms.result import Verification, read_verification
from assay.organisms.twins import prompts_of, twin_name
from assay.organisms.verifying import verify_organism
from assay.strict import StrictModel, read_yaml

Step = Literal["train", "verify", "done", "changed"]
"""What is left to do: ``changed`` means made from other prompts than the recipe has today."""


class FleetMember(StrictModel):
    """One organism of a fleet, with the twins that are made of it."""

    recipe: str = Field(min_length=1)
    """The recipe's name, or a recipe file relative to the fleet's file."""
    twins: tuple[TwinKind, ...] = ()
    """Its twins."""


class Fleet(StrictModel):
    """A fleet's file, such as ``organisms/fleet.yaml``."""

    base: str = BASE
    """The model on which all are trained."""
    seed: int = 0
    """Seed of data, adapters and order."""
    organisms: Annotated[tuple[FleetMember, ...], Field(min_length=1)]
    """The organisms, in the order in which they are built."""


@dataclass(frozen=True)
class Job:
    """One adapter of the fleet: an organism or a twin."""

    recipe: Recipe
    """Its recipe."""
    twin: TwinKind | None
    """Which twin it is; None for the organism itself."""
    folder: Path
    """Its folder."""
    step: Step
    """What is left to do."""

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name


@dataclass(frozen=True)
class Built:
    """One adapter of the fleet after the command."""

    name: str
    """The folder's name."""
    verification: Verification
    """What verification found of it."""
    seconds: float | None
    """What training and verification took in this call; None where all was done before."""


def read_fleet(file: Path | str) -> Fleet:
    """Read a fleet's file. Raises AssayError naming file and key where it is not one."""
    return read_yaml(Path(file), Fleet)


def fleet_jobs(fleet: Fleet, file: Path | str, out: Path | str | None = None) -> list[Job]:
    """Every adapter of a fleet and what is left to do for it.

    ``out`` is the folder that gets one sub-folder each; by default the folder of ``file``.
    Raises AssayError for an unknown recipe and a recipe file that is not one.
    """
    file = Path(file)
    out = file.parent if out is None else Path(out)
    jobs = []
    for member in fleet.organisms:
        recipe = chosen_recipe(member.recipe, file.parent)
        for twin in (None, *member.twins):
            folder = out / twin_name(recipe.name, twin)
            jobs.append(Job(recipe, twin, folder, _step(folder, recipe, fleet.seed, twin)))
    return jobs


def build_fleet(fleet: Fleet, jobs: Sequence[Job], *, rebuild: bool = False) -> list[Built]:
    """Train and verify what is left; an interrupted training resumes from its last checkpoint.

    With ``rebuild`` those that were made from other prompts than their recipe has today are trained
    again; without it they stay as they are. In the end the whole fleet is judged again.
    Raises AssayError as training and verification do.
    """
    built = []
    made = False
    for job in jobs:
        started = time.monotonic()
        step = "train" if rebuild and job.step == "changed" else job.step
        if step == "train":
            train_organism(job.recipe, fleet.seed, job.folder, twin=job.twin, base=fleet.base)
        if step in ("train", "verify"):
            found = verify_organism(job.folder)
            made = True
            built.append(Built(job.name, found, time.monotonic() - started))
        else:
            known = read_verification(load_organism(job.folder))
            assert known is not None, "a job is done only once it is verified"
            built.append(Built(job.name, known, None))
    if not made:
        return built
    # All jobs of a fleet lie in one folder.
    again = judge_fleet(jobs[0].folder.parent)
    named = {folder.name: found for folder, found in again.items()}
    return [replace(each, verification=named[each.name]) for each in built]


def judge_fleet(folder: Path | str = "organisms") -> dict[Path, Verification]:
    """Judge all organisms of a folder again and write what changed; no model is needed.

    The intraclass correlation that their bounds rest on is pooled over the fleet, so that one more
    organism moves all of them. Returns folder → verification. Raises what ``judge_fleet_again`` raises.
    """
    folders = [path.parent for path in sorted(Path(folder).glob(f"*/{MANIFEST}"))]
    found = dict(zip(folders, judge_fleet_again(folder), strict=True))
    for own, verification in found.items():
        if read_verification(load_organism(own)) != verification:
            verification.write(own)
    return found


def chosen_recipe(name: str, folder: Path = Path()) -> Recipe:
    """A recipe by name, or out of a YAML file relative to ``folder``.

    Raises AssayError for an unknown name, and for a file that is no recipe.
    """
    return read_recipe(folder / name) if name.endswith((".yaml", ".yml")) else RECIPES[name]


def _step(folder: Path, recipe: Recipe, seed: int, twin: TwinKind | None) -> Step:
    if not (folder / MANIFEST).is_file() or (folder / "training").is_dir():
        return "train"
    if read_verification(load_organism(folder)) is None:
        return "verify"
    same = read_prompts(folder / PROMPTS) == tuple(prompts_of(recipe, seed, twin))
    return "done" if same else "changed"
