"""case.lock.json: what a run is going to do, written before it does anything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from assay.errors import AssayError
from assay.files import read_json, sha256_of_json
from assay.pipeline.case import Case
from assay.pipeline.code_version import code_version
from assay.pipeline.contents import Sha256
from assay.pipeline.stage import Stage
from assay.results import Figures, Result


class LockedStage(Figures):
    """One stage as it is going to be run."""

    folder: str
    """The folder of its artefact under ``stages``."""
    identity: Sha256
    """Hash of everything that decides the artefact: the value of its ``inputs.json``."""
    analysis: Sha256
    """The same without the versions of the stages' code: settings and the content of inputs."""


class Amendment(Figures):
    """A change of the analysis after the test split had been read."""

    time: str
    """When, ISO 8601, in UTC."""
    why: str
    """The reason that was given."""
    changed: tuple[str, ...]
    """What was changed."""

    def __str__(self) -> str:
        return f"{self.time[:10]}: {', '.join(self.changed)}. Reason given: {self.why.rstrip('.')}."


class CaseLock(Result):
    """What is to be run: the settings, and by hash every stage with all that it reads."""

    FILE: ClassVar[str] = "case.lock.json"
    MADE_BY: ClassVar[str] = "assay run CASE.yaml"

    version: Literal[3] = 3
    """Version of the layout."""
    case: Case
    """The settings."""
    code: str
    """Version of Assay, and a hash of its source."""
    stages: dict[str, LockedStage]
    """Every stage of the case, in order, also those that were not asked for yet."""
    history: tuple[Amendment, ...]
    """Changes of the analysis after the test split had been read."""
    sha256: Sha256
    """Hash of everything above, which finds an edit of this file."""

    @classmethod
    def of(cls, case: Case, stages: Sequence[Stage[Any]], history: Sequence[Amendment]) -> CaseLock:
        """The lock of a case's stages."""
        lock = cls(
            case=case,
            code=code_version(),
            stages={
                stage.name: LockedStage(
                    folder=stage.key,
                    identity=stage.identity_sha256,
                    analysis=stage.analysis_sha256,
                )
                for stage in stages
            },
            history=tuple(history),
            sha256="0" * 64,
        )
        return lock.model_copy(update={"sha256": _own_sha256(lock.model_dump(mode="json"))})

    @classmethod
    def read(cls, path: Path | str) -> Self:
        """Read the lock. Raises AssayError also where it was edited."""
        path = Path(path)
        lock = super().read(path)
        path = path / cls.FILE if path.is_dir() else path
        if _own_sha256(read_json(path)) != lock.sha256:
            raise AssayError(
                f"{path} was edited: it does not have the hash that it states; restore it, or run "
                "the case in another folder (--out)"
            )
        return lock

    @property
    def folders(self) -> dict[str, str]:
        """Stage → the folder of its artefact under ``stages``."""
        return {name: stage.folder for name, stage in self.stages.items()}


def _own_sha256(value: dict[str, Any]) -> str:
    return sha256_of_json({name: part for name, part in value.items() if name != "sha256"})
