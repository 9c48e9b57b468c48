"""Hashes over the values of a loaded model's weights."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from assay.files import sha256_of_json

ADAPTER_MARKS = (".lora_", ".modules_to_save.")


def weights_sha256(module: nn.Module) -> str:
    """Hex sha256 over the names, shapes and values of a model's weights, sorted by name.

    Values are hashed as float32, so bf16 weights have the same hash whether they were loaded as
    bf16 or as float32; tied weights count once. Adapter weights that PEFT put in place are left
    out, and the layers that it wrapped keep their own names: the hash is the base model's.
    """
    return tensors_sha256(
        (name.replace(".base_layer.", ".").replace(".original_module.", "."), parameter)
        for name, parameter in module.named_parameters()
        if not any(mark in name for mark in ADAPTER_MARKS)
    )


def adapter_in_place_sha256(module: nn.Module) -> str | None:
    """Hash of the adapter layers that PEFT put in place, with their scales, or None."""
    tensors = {
        name: parameter
        for name, parameter in module.named_parameters()
        if any(mark in name for mark in ADAPTER_MARKS)
    }
    if not tensors:
        return None
    scales = {
        name: dict(layer.scaling)
        for name, layer in module.named_modules()
        if hasattr(layer, "lora_A") and hasattr(layer, "scaling")
    }
    return sha256_of_json({"tensors": tensors_sha256(tensors.items()), "scales": scales})


def tensors_sha256(tensors: Iterable[tuple[str, Tensor]]) -> str:
    """Hex sha256 over named tensors, sorted by name, their values as float32."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors, key=lambda pair: pair[0]):
        values = tensor.detach().to("cpu", torch.float32).contiguous()
        digest.update(f"{name}{tuple(values.shape)}".encode())
        digest.update(values.numpy().data)
    return digest.hexdigest()
