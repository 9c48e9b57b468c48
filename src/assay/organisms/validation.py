"""Pydantic's complaints as one line for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from assay.errors import AssayError, unknown_name

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound="BaseModel")


def first_problem(error: ValidationError) -> str:
    """The first complaint: which field, and what is wrong with it."""
    problem = error.errors()[0]
    place = ".".join(str(step) for step in problem["loc"])
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{place}: {message}" if place else message


def validated(model: type[M], value: Any, where: str) -> M:
    """``value`` as a ``model``. Raises AssayError naming ``where``; unknown keys get the nearest."""
    from pydantic import ValidationError

    if not isinstance(value, dict):
        raise AssayError(f"{where} holds {type(value).__name__}, expected keys and values")
    for key in value:
        if key not in model.model_fields:
            raise unknown_name("key", str(key), model.model_fields, where)
    missing = [
        name
        for name, field in model.model_fields.items()
        if field.is_required() and name not in value
    ]
    if missing:
        raise AssayError(f"{where} lacks {', '.join(missing)}")
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise AssayError(f"{where}: {first_problem(error)}") from error
