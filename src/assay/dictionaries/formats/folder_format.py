"""A format: how a library lays out the folder of a dictionary, and how to read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from assay.dictionaries.formats.metadata import LoadedDictionary


@dataclass(frozen=True)
class FolderFormat:
    """How one library's folders are recognised and read."""

    files: tuple[str, ...]
    """Names of files that every folder of the library holds."""
    read: Callable[[Path], LoadedDictionary]
    """Reads a folder. Raises AssayError, with the reason, for what it cannot honour exactly."""

    def recognises(self, folder: Path) -> bool:
        """Whether the folder holds all of the library's files."""
        return all((folder / file).is_file() for file in self.files)
