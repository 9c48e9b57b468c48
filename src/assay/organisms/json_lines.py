"""Files with one JSON object a line, read into typed models."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from assay.errors import AssayError
from assay.files import atomic_file
from assay.strict import describe

Model = TypeVar("Model", bound=BaseModel)


def read_json_lines(path: Path, model: type[Model]) -> tuple[Model, ...]:
    """The objects of a file, in its order; blank lines are left out.

    Raises AssayError with the line number of what is not JSON or does not fit the model.
    """
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            rows.append(model.model_validate(json.loads(line)))
        except json.JSONDecodeError as error:
            raise AssayError(f"{where}: not valid JSON ({error.msg})") from error
        except ValidationError as error:
            raise AssayError(f"{where}: {describe(error)}") from error
    return tuple(rows)


def write_json_lines(
    path: Path, rows: Iterable[BaseModel], *, exclude_defaults: bool = False
) -> None:
    """Write one JSON object a line, atomically."""
    with atomic_file(path) as aside, aside.open("w", encoding="utf-8") as stream:
        for row in rows:
            value = row.model_dump(exclude_defaults=exclude_defaults)
            stream.write(json.dumps(value, ensure_ascii=False) + "\n")
