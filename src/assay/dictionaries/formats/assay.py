"""Assay's own folders: the SAELens layout plus ``assay.json``."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from assay.dictionaries.architectures import architecture_named
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

if TYPE_CHECKING:
    from pathlib import Path

    from assay.dictionaries.dictionary import Dictionary

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
    from safetensors.torch import save_file

    metadata = metadata or DictionaryMetadata()
    with atomic_folder(path) as folder:
        save_file(saelens_tensors(dictionary), str(folder / WEIGHTS))
        digest = sha256_of(folder / WEIGHTS)
        write_json(folder / SETTINGS, saelens_settings(dictionary, metadata))
        described = asdict(metadata) | {
            "training": metadata.training or dictionary.training_figures,
            "hashes": metadata.hashes | {"weights": digest},
        }
        # The source is what wrote the folder that is read.
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

    Raises AssayError where the weights do not have the sha256 that ``assay.json`` names.
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
    dictionary = architecture_named(name)(d_in, width, **setting(described, "options", path))
    fill(
        dictionary,
        W_enc=weights.take("W_enc", d_in, width).T,
        b_enc=weights.take("b_enc", width),
        W_dec=weights.take("W_dec", width, d_in),
        b_dec=weights.take("b_dec", d_in),
    )
    if name in ("batch_topk", "matryoshka"):
        fill(dictionary, threshold=weights.take("threshold", width)[0])
    elif name == "jumprelu":
        fill(dictionary, threshold=weights.take("threshold", width))
    known = DictionaryMetadata.__dataclass_fields__
    metadata = DictionaryMetadata(
        **{name: value for name, value in described.items() if name in known}
    )
    dictionary.training_figures = metadata.training
    return LoadedDictionary(dictionary, replace(metadata, source="assay"))
