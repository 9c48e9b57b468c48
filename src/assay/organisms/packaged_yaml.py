"""Word lists and wordings lie as YAML files beside the code; this reads them into typed models."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import Annotated, TypeVar

from pydantic import BaseModel, Field

from assay.strict import read_yaml

Model = TypeVar("Model", bound=BaseModel)

Words = Annotated[tuple[str, ...], Field(min_length=1)]
"""Words, phrases or sentences, in the file's order; at least one."""


def read_packaged_yaml(package: str, file: str, model: type[Model]) -> Model:
    """Read a YAML file that is shipped inside a package.

    ``package`` is dotted, such as ``assay.organisms.recipes``; ``file`` is a name in it.
    Raises AssayError, naming the file and the key, where the file does not fit the model.
    """
    with as_file(files(package) / file) as path:
        return read_yaml(path, model)
