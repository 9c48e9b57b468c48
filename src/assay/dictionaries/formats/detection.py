"""Which library wrote a folder, and reading it."""

from __future__ import annotations

from pathlib import Path

from assay.dictionaries.formats.folder_format import FolderFormat
from assay.dictionaries.formats.metadata import LoadedDictionary
from assay.errors import AssayError
from assay.registry import Registry

FORMATS: Registry[FolderFormat] = Registry(
    "format",
    {
        "assay": "assay.dictionaries.formats.assay:ASSAY",
        "saelens": "assay.dictionaries.formats.saelens:SAELENS",
        "sparsify": "assay.dictionaries.formats.sparsify:SPARSIFY",
        "dictionary_learning": "assay.dictionaries.formats.dictionary_learning:DICTIONARY_LEARNING",
    },
)
"""Formats by name, tried in this order: Assay's first, whose folders are SAELens's as well.
``FORMATS.register(name, FolderFormat(files, read))`` adds one of a third party, tried last."""


def format_of(folder: Path) -> str | None:
    """Name of the format whose files the folder holds; None where it holds no format's."""
    for name in FORMATS:
        if FORMATS[name].recognises(folder):
            return name
    return None


def load_dictionary(path: Path | str) -> LoadedDictionary:
    """Read a dictionary's folder, of whichever registered format it is.

    ``path`` was written by Assay, SAELens, sparsify, dictionary_learning or a format of a plugin. The
    result's ``dictionary`` encodes and decodes activations; its ``metadata`` says what is known of it.
    Raises AssayError where the folder is of no known format (naming dictionaries below it, where
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
        wanted = "; ".join(f"{name}: {' and '.join(FORMATS[name].files)}" for name in FORMATS)
        raise AssayError(f"{folder} holds no dictionary that can be read; expected {wanted}")
    return FORMATS[name].read(folder)
