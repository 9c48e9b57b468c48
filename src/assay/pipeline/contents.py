"""What a finished artefact consists of, by hash, and the check that nothing in it was changed since."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from assay.errors import AssayError
from assay.files import read_json, sha256_of, sha256_of_json
from assay.results import Result

IDENTITY = "inputs.json"
"""What the key is the hash of, beside the artefact, for people who wonder why a stage ran again."""
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Contents(Result):
    """The files of one artefact, written after all of them and before the folder gets its name."""

    FILE: ClassVar[str] = "contents.json"
    MADE_BY: ClassVar[str] = "assay run CASE.yaml"

    version: Literal[1] = 1
    """Version of the layout."""
    stage: str
    """The stage that made it."""
    identity: Sha256
    """Hash of the value of ``inputs.json``: the settings and inputs by which the stage was locked."""
    made_from: dict[str, Sha256]
    """Stage that was read → sha256 of its artefact's ``contents.json`` when it was read."""
    files: dict[str, Sha256]
    """Path within the artefact's folder → sha256 of the file; all files but this one."""

    @classmethod
    def of(
        cls, folder: Path, *, stage: str, identity: str, made_from: Mapping[str, str]
    ) -> Contents:
        """The contents of a folder as it is now."""
        return cls(
            stage=stage,
            identity=identity,
            made_from=dict(made_from),
            files={name: sha256_of(folder / name) for name in _files_of(folder)},
        )

    def check(self, folder: Path) -> None:
        """Raise AssayError, naming the file, unless the folder holds exactly these files."""
        found = _files_of(folder)
        for name in self.files:
            if name not in found:
                raise changed(folder / name, "is missing")
            if sha256_of(folder / name) != self.files[name]:
                raise changed(folder / name, "was changed after it was made")
        for name in found:
            if name not in self.files:
                raise changed(folder / name, "was added after the stage had finished")
        if sha256_of_json(read_json(folder / IDENTITY)) != self.identity:
            raise changed(folder / self.FILE, f"is of other settings than {IDENTITY}")
        if not folder.name.endswith(self.identity[:16]):
            raise changed(folder / self.FILE, "is of other settings than the folder's name says")


class CheckedArtefacts:
    """The artefacts that were found unchanged during this run: each is hashed once."""

    def __init__(self) -> None:
        self._known: dict[Path, str] = {}

    def check(self, folder: Path) -> str:
        """Hash of an unchanged artefact's ``contents.json``.

        Raises AssayError, naming the file, where a file was changed, is missing or was added.
        """
        if folder not in self._known:
            if not (folder / Contents.FILE).is_file():
                raise changed(folder / Contents.FILE, "is missing")
            Contents.read(folder).check(folder)
            self.add(folder)
        return self._known[folder]

    def add(self, folder: Path) -> None:
        """Take an artefact as unchanged because it was made just now."""
        self._known[folder] = sha256_of(folder / Contents.FILE)


def changed(path: Path, what: str) -> AssayError:
    """An error for a file of an artefact that cannot be believed."""
    stages = next(p for p in path.parents if p.name == "stages")
    artefact = stages / path.relative_to(stages).parts[0]
    return AssayError(
        f"{path} {what}; delete {artefact} and run the case again: assay run CASE.yaml"
    )


def _files_of(folder: Path) -> list[str]:
    """All files of an artefact but its own list."""
    files = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in files if name != Contents.FILE)
