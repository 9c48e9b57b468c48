"""Pandas tables of typed rows. pandas is the optional extra ``frames`` and is imported on first use."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any, get_args

from pydantic import BaseModel

from assay.errors import AssayError

DataFrame = Any
"""A ``pandas.DataFrame``."""


def frame_of(rows: Iterable[BaseModel], kind: type[BaseModel]) -> DataFrame:
    """A table with a row for each model in ``rows`` and a column for each field of ``kind``.

    The fields of a nested model are columns ``part.field``. An interval ``ci`` becomes two columns,
    ``ci_low`` and ``ci_high``. Missing values are NaN or None. The columns do not depend on the
    rows. Raises AssayError where pandas is not installed.
    """
    try:
        pandas = importlib.import_module("pandas")
    except ImportError as error:
        raise AssayError(
            "tables need pandas, which is not installed: pip install 'assay-interpretability[frames]'"
        ) from error
    return pandas.DataFrame([_row(kind, row) for row in rows], columns=list(_row(kind, None)))


def _row(kind: type[BaseModel], value: BaseModel | None, prefix: str = "") -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, field in kind.model_fields.items():
        part = None if value is None else getattr(value, name)
        inner = _part_in(field.annotation)
        if inner is not None:
            row |= _row(inner, part, f"{prefix}{name}.")
        elif name == "ci" or name.endswith("_ci"):
            low, high = (None, None) if part is None else part
            row |= {f"{prefix}{name}_low": low, f"{prefix}{name}_high": high}
        else:
            row[f"{prefix}{name}"] = part
    return row


def _part_in(annotation: Any) -> type[BaseModel] | None:
    """The pydantic model in an annotation such as ``Part`` or ``Part | None``; else None."""
    for option in (annotation, *get_args(annotation)):
        if isinstance(option, type) and issubclass(option, BaseModel):
            return option
    return None
