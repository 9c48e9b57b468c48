"""Hashes that name a model and its adapter, from files and records alone. Loads no heavy library."""

from __future__ import annotations

from pathlib import Path

from assay.errors import AssayError
from assay.files import sha256_of, sha256_of_json
from assay.models.locating import recorded_base_sha256

ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")
"""The two files of a PEFT adapter."""


def model_fingerprint(name: str, adapter: str | Path | None = None) -> str | None:
    """``load_model(name, adapter=adapter).fingerprint``, found without loading the model.

    None where the weights' hash is on no record, so that only loading the model can tell: today it
    is on record for the models of the catalogue. ``adapter`` is a PEFT folder; its files are read.
    Raises AssayError for a name that no model can have and for a folder that is no PEFT adapter.
    """
    base = recorded_base_sha256(name)
    if base is None:
        return None
    return fingerprint_of(base, None if adapter is None else adapter_sha256(Path(adapter)))


def fingerprint_of(base_sha256: str, adapter_hash: str | None) -> str:
    """The fingerprint of a model from the hash of its weights and that of its adapter."""
    return sha256_of_json({"base": base_sha256, "adapter": adapter_hash})


def adapter_sha256(folder: Path) -> str:
    """Hex sha256 over an adapter's two files: its configuration and its weights.

    Raises AssayError where one of the files is missing.
    """
    for name in ADAPTER_FILES:
        if not (folder / name).is_file():
            raise AssayError(
                f"{folder} is not a PEFT adapter: it has no {name} (pickles are never read)"
            )
    return sha256_of_json({name: sha256_of(folder / name) for name in ADAPTER_FILES})
