"""Assay's own folders: the SAELens layout plus ``assay.json``."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from assay.dictionaries.architecture_registry import ARCHITECTURES
from assay.dictionaries.dictionary import Dictionary
from assay.dictionaries.formats.folder_format import FolderFormat
from assay.dictionaries.formats.metadata import DictionaryMetadata, LoadedDictionary
from assay.dictionaries.formats.saelens import (
    SETTINGS,
    WEIGHTS,
    saelens_settings,
    saelens_tensors,
)
from assay.dictionaries.formats.weights import Weights, fill, read_settings, setting
from assay.errors import AssayError
from assay.files import atomic_folder, read_safetensors, sha256_of, write_json

DESCRIPTION = "assay.json"
VERSION = 1
"""Of the layout of assay.json."""


def save_dictionary(
    dictionary: Dictionary, path: Path, metadata: DictionaryMetadata | None = None
) -> None:
    """Write a folder that both Assay and SAELens load, whole or not at all.

    ``assay.json`` keeps what SAELens's settings cannot: the architecture (BatchTopK, Matryoshka and
    JumpReLU are all "jumprelu" there), the metadata, and the weights' sha256. Figures of training
    come from the dictionary where ``metadata.training`` is empty.
    Raises AssayError where the disk is full.
    """
    metadata = metadata or DictionaryMetadata()
    with atomic_folder(path) as folder:
        save_file(saelens_tensors(dictionary), str(folder / WEIGHTS))
        digest = sha256_of(folder / WEIGHTS)
        write_json(folder / SETTINGS, saelens_settings(dictionary, metadata))
        described = asdict(metadata) | {
            "training": metadata.training or dictionary.training_figures,
            "hashes": metadata.hashes | {"weights": digest},
        }
        # Whoever reads the folder takes the source from its format.
        del described["source"]
        write_json(
            folder / DESCRIPTION,
            {
                "format": "assay dictionary",
                "version": VERSION,
                "architecture": dictionary.architecture,
                "d_in": dictionary.d_in,
                "width": dictionary.width,
                "options": dictionary.options,
                **described,
            },
        )


def read_assay(folder: Path) -> LoadedDictionary:
    """Read a folder that ``save_dictionary`` wrote; its codes are bit-identical.

    Raises AssayError where the weights do not have the sha256 that ``assay.json`` names, and where
    the architecture is not registered.
    """
    path = folder / DESCRIPTION
    described = read_settings(path)
    if described.get("version") != VERSION:
        raise AssayError(
            f"{path} has version {described.get('version')}; this Assay reads version {VERSION}"
        )
    expected = setting(setting(described, "hashes", path), "weights", path)
    if not (folder / WEIGHTS).is_file():
        raise AssayError(f"{folder / WEIGHTS} does not exist")
    digest = sha256_of(folder / WEIGHTS)
    if digest != expected:
        raise AssayError(
            f"{folder / WEIGHTS} was truncated or changed: its sha256 is {digest[:12]}…, "
            f"{DESCRIPTION} names {expected[:12]}…"
        )
    weights = Weights(read_safetensors(folder / WEIGHTS), folder / WEIGHTS)
    d_in, width = int(setting(described, "d_in", path)), int(setting(described, "width", path))
    name = setting(described, "architecture", path)
    architecture: type[Dictionary] = ARCHITECTURES[name]
    dictionary = architecture(d_in, width, **setting(described, "options", path))
    extra = {
        name: weights.take(name, *tensor.shape)
        for name, tensor in dictionary.extra_tensors().items()
    }
    with torch.no_grad():
        dictionary.load_extra_tensors(extra)
    fill(
        dictionary,
        W_enc=weights.take("W_enc", d_in, width).T,
        b_enc=weights.take("b_enc", width),
        W_dec=weights.take("W_dec", width, d_in),
        b_dec=weights.take("b_dec", d_in),
    )
    known = DictionaryMetadata.__dataclass_fields__
    metadata = DictionaryMetadata(
        **{name: value for name, value in described.items() if name in known}
    )
    dictionary.training_figures = metadata.training
    return LoadedDictionary(dictionary, replace(metadata, source="assay"))


ASSAY = FolderFormat(files=(DESCRIPTION,), read=read_assay)
"""Assay's own folders."""
