"""Typed results: what a stage measured, written as JSON, and checked against its model when read."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from assay.errors import AssayError
from assay.files import read_json, write_json
from assay.strict import describe

SCHEMA = "https://json-schema.org/draft/2020-12/schema"
NOTEBOOK_HTML = "assay.reporting.fragments"
"""Module whose ``notebook_html(result)`` draws a result. Results lie below all rooms and may not import
one; so the module is only named here, and imported when a notebook asks for HTML."""


class Figures(BaseModel):
    """A part of a result: frozen; unknown keys, type conversions, NaN and infinity are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Result(Figures):
    """A result that is written to its own file. A subclass states its file, command and version.

    Each subclass has a field ``version: Literal[N] = N``, raised whenever the layout changes, and a
    published schema ``docs/schemas/NAME.schema.json`` for its file ``NAME.json``.
    """

    FILE: ClassVar[str]
    """Name of the file, such as transfer.json."""
    MADE_BY: ClassVar[str]
    """The command that writes the file; error messages name it."""

    def write(self, folder: Path | str) -> Path:
        """Write the result into a folder, atomically. Returns the file's path."""
        path = Path(folder) / self.FILE
        write_json(path, self.model_dump(mode="json"))
        return path

    @classmethod
    def read(cls, path: Path | str) -> Self:
        """Read the result from its file, or from the folder that holds it.

        Raises AssayError, naming the file, where it is missing, is not JSON, has another version (the
        message names the command that writes it again), or does not fit the schema.
        """
        path = Path(path)
        path = path / cls.FILE if path.is_dir() else path
        if not path.is_file():
            raise AssayError(f"{path} does not exist; '{cls.MADE_BY}' writes it")
        value = read_json(path)
        known = cls.model_fields["version"].default
        found = value.get("version") if isinstance(value, dict) else None
        if found != known:
            stated = "states no version" if found is None else f"has version {found}"
            raise AssayError(
                f"{path} {stated}; this Assay reads version {known}: "
                f"write it again with '{cls.MADE_BY}'"
            )
        try:
            return cls.model_validate_json(json.dumps(value))
        except ValidationError as error:
            raise AssayError(f"{path}: {describe(error)}") from error
        except AssayError as error:
            raise AssayError(f"{path}: {error}") from error

    def _repr_html_(self) -> str | None:
        """What a notebook shows: the result's section of the report; None where there is none."""
        html: str | None = importlib.import_module(NOTEBOOK_HTML).notebook_html(self)
        return html

    @classmethod
    def schema_of_file(cls) -> dict[str, Any]:
        """JSON Schema (2020-12) of the file: ``docs/schemas/NAME.schema.json``."""
        return {"$schema": SCHEMA, **cls.model_json_schema()}


def results_known() -> list[type[Result]]:
    """Every subclass of Result whose module has been imported, sorted by the name of its file."""
    found: list[type[Result]] = []
    waiting = list(Result.__subclasses__())
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if hasattr(kind, "FILE"):
            found.append(kind)
    return sorted(found, key=lambda kind: kind.FILE)
