"""LoRA adapters, applied to a loaded model."""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path

import torch
from peft import PeftModel, get_peft_model_state_dict
from torch import nn

from assay.errors import AssayError
from assay.files import read_json, read_safetensors
from assay.models.fingerprints import adapter_sha256


def apply_adapter(module: nn.Module, folder: Path, model_name: str) -> tuple[nn.Module, str]:
    """Put a PEFT folder's LoRA layers into a model, and return it with the adapter's hash.

    In float32 the adapter's changes are added to the weights, which saves a quarter of every
    forward pass. In half precision, which would round small changes away, and where two modules
    share a weight (tied embeddings), the adapter's layers stay beside the weights that they adapt.
    Sites, edits and captures mean the same either way.
    Raises AssayError for a folder that is not a LoRA adapter, or one that does not fit the model.
    """
    sha256 = adapter_sha256(folder)
    kind = read_json(folder / "adapter_config.json").get("peft_type")
    if kind != "LORA":
        raise AssayError(f"the adapter in {folder} is of type {kind}; valid: LORA")
    stored = read_safetensors(folder / "adapter_model.safetensors")
    try:
        # PEFT only warns of tensors that do not match; the comparison below refuses them.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            adapted = PeftModel.from_pretrained(module, str(folder), is_trainable=False)
    except (RuntimeError, ValueError, TypeError) as error:
        first_line = str(error).strip().splitlines()[0]
        raise AssayError(
            f"the adapter in {folder} does not fit {model_name}: {first_line}"
        ) from error
    placed = set(get_peft_model_state_dict(adapted))
    if placed != set(stored):
        stray = sorted(placed ^ set(stored))[0]
        raise AssayError(
            f"the adapter in {folder} does not fit {model_name}: it and the model disagree on "
            f"{len(placed ^ set(stored))} tensors, such as {stray}"
        )
    merged = adapted.merge_and_unload() if _may_merge(adapted) else adapted.get_base_model()
    return merged, sha256


def _may_merge(adapted: PeftModel) -> bool:
    """Whether adding the adapter to the weights loses nothing and touches nothing else."""
    uses = Counter(
        id(parameter) for _, parameter in adapted.named_parameters(remove_duplicate=False)
    )
    layers = [layer for layer in adapted.modules() if hasattr(layer, "lora_A")]
    weights = [weight for layer in layers for weight in layer.get_base_layer().parameters()]
    return all(w.dtype == torch.float32 and uses[id(w)] == 1 for w in weights)
