"""Find a model by name: in the catalogue, in a folder, or on the hub. Loads no heavy library."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assay.errors import AssayError
from assay.models import catalogue


@dataclass(frozen=True)
class Checkpoint:
    """Where a model's files are."""

    name: str
    """As the user wrote it."""
    location: str
    """A folder, or a hub id."""
    recorded_sha256: str | None
    """Hash of the weights' values where it is on record, else None."""

    @property
    def folder(self) -> Path | None:
        """The folder, or None where the files are on the hub."""
        return Path(self.location) if Path(self.location).is_dir() else None


def locate(name: str) -> Checkpoint:
    """Find a model by name, and fetch it where it is in the catalogue.

    Raises AssayError where the name is neither a catalogue name, a folder nor a hub id.
    """
    if name in catalogue.CATALOGUE:
        fetched = catalogue.fetch(name)
        return Checkpoint(name, str(fetched), catalogue.recorded_weights_sha256(fetched))
    is_hub_id = name.count("/") == 1 and name[0] not in "./~" and " " not in name
    if Path(name).is_dir() or is_hub_id:
        return Checkpoint(name, name, None)
    raise AssayError(
        f"no model '{name}': it is not a folder, not a catalogue name "
        f"({', '.join(sorted(catalogue.CATALOGUE))}) and not a hub id such as owner/model"
    )


def recorded_base_sha256(name: str) -> str | None:
    """Hash of a named model's weights without reading them, or None where no record states it.

    Nothing is fetched: the catalogue pins the hash of every model in it. Raises AssayError as
    ``locate`` does.
    """
    if name in catalogue.CATALOGUE:
        return catalogue.CATALOGUE[name].weights_sha256
    return locate(name).recorded_sha256
