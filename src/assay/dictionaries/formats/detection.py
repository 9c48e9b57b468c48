"""Which library wrote a folder, and reading it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from assay.dictionaries.formats import assay, dictionary_learning, saelens, sparsify
from assay.errors import AssayError

if TYPE_CHECKING:
    from collections.abc import Callable

    from assay.dictionaries.formats.metadata import LoadedDictionary

FORMATS: dict[str, tuple[tuple[str, ...], Callable[[Path], LoadedDictionary]]] = {
    "assay": ((assay.DESCRIPTION,), assay.read_assay),
    "saelens": ((saelens.SETTINGS, saelens.WEIGHTS), saelens.read_saelens),
    "sparsify": ((sparsify.SETTINGS, sparsify.WEIGHTS), sparsify.read_sparsify),
    "dictionary_learning": (
        (dictionary_learning.SETTINGS, dictionary_learning.WEIGHTS),
        dictionary_learning.read_dictionary_learning,
    ),
}
"""Each library's files and reader; Assay's first, whose folders are SAELens's as well."""


def format_of(folder: Path) -> str | None:
    """The library whose files the folder holds; None where it holds none's."""
    for name, (files, _) in FORMATS.items():
        if all((folder / file).is_file() for file in files):
            return name
    return None


def load_dictionary(path: Path | str) -> LoadedDictionary:
    """Read a dictionary's folder, whichever of the four libraries wrote it.

    Raises AssayError where the folder is none of theirs (naming dictionaries further down, where
    there are any), is damaged, or uses an option that cannot be honoured exactly.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise AssayError(f"{folder} is not a folder; a dictionary is a folder with its weights")
    name = format_of(folder)
    if name is None:
        below = sorted(
            str(part.relative_to(folder))
            for part in [*folder.glob("*"), *folder.glob("*/*")]
            if part.is_dir() and format_of(part)
        )
        if below:
            raise AssayError(f"{folder} holds several dictionaries; name one of {', '.join(below)}")
        wanted = "; ".join(f"{name}: {' and '.join(files)}" for name, (files, _) in FORMATS.items())
        raise AssayError(f"{folder} holds no dictionary that can be read; expected {wanted}")
    return FORMATS[name][1](folder)
