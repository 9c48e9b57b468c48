"""Hashes that say which weights a model has."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from assay.files import sha256_of, sha256_of_json

if TYPE_CHECKING:
    from torch import nn

ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")


def weights_sha256(module: nn.Module) -> str:
    """Hex sha256 over the names, shapes and values of a model's weights, sorted by name.

    Values are hashed as float32, so bf16 weights hash alike whether they were loaded as bf16 or
    widened; tied weights count once. Adapter weights that PEFT put in place are left out, and the
    layers that it wrapped keep their own names: the hash is the base model's.
    """
    import torch

    digest = hashlib.sha256()
    parameters = {
        name.replace(".base_layer.", "."): parameter
        for name, parameter in module.named_parameters()
        if ".lora_" not in name
    }
    for name, parameter in sorted(parameters.items()):
        values = parameter.detach().to("cpu", torch.float32).contiguous()
        digest.update(f"{name}{tuple(values.shape)}".encode())
        digest.update(values.numpy().data)
    return digest.hexdigest()


def adapter_sha256(folder: Path) -> str:
    """Hex sha256 over an adapter's two files: its configuration and its weights."""
    return sha256_of_json({name: sha256_of(folder / name) for name in ADAPTER_FILES})
