"""Settings files: YAML read into frozen models that refuse unknown keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from assay.errors import AssayError, unknown_name


class StrictModel(BaseModel):
    """A frozen pydantic model; an unknown key is an error that names the nearest valid key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _known_keys_only(cls, value: Any) -> Any:
        if isinstance(value, dict):
            for key in value:
                if key not in cls.model_fields:
                    raise ValueError(str(unknown_name("key", str(key), cls.model_fields)))
        return value


Model = TypeVar("Model", bound=BaseModel)


def read_yaml(path: Path, model: type[Model]) -> Model:
    """Read a YAML file into a model.

    Raises AssayError, in one line that names the file and the key, where the file is missing, is not
    valid YAML, refers to itself, or does not fit the model.
    """
    import yaml

    if not path.is_file():
        raise AssayError(f"{path} does not exist")
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise AssayError(f"{path}, line {line}: not valid YAML: {error.problem}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise AssayError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(value, dict):
        raise AssayError(f"{path} holds no settings; expected keys such as {_some(model)}")
    _refuse_cycles(value, (), path)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise AssayError(f"{path}: {describe(error)}") from error


def describe(error: ValidationError) -> str:
    """The first validation error in one line: key, message, and the number of further errors."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{place + ': ' if place else ''}{message}{more}"


def _some(model: type[BaseModel]) -> str:
    return ", ".join(list(model.model_fields)[:3])


def _refuse_cycles(value: Any, above: tuple[int, ...], path: Path) -> None:
    if not isinstance(value, dict | list):
        return
    if id(value) in above:
        raise AssayError(f"{path} refers to itself through a YAML anchor; write the value out")
    for part in value.values() if isinstance(value, dict) else value:
        _refuse_cycles(part, (*above, id(value)), path)
