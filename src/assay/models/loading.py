"""Load a model by catalogue name, folder or hub id, or wrap one that is in memory already."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from assay.errors import AssayError
from assay.models.architectures import Architecture, architecture_of
from assay.models.checkpoint_reading import read_config, read_tokenizer, read_weights
from assay.models.language_model import LanguageModel
from assay.models.locating import locate
from assay.models.weight_hashes import weights_sha256

DTYPES = ("float32", "bfloat16", "float16")


def load_model(
    name: str,
    *,
    adapter: str | Path | None = None,
    dtype: str | torch.dtype | None = None,
    device: str | torch.device | None = None,
) -> LanguageModel:
    """Load a causal language model, and a LoRA adapter over it, ready for inference.

    ``name`` is a catalogue name, a folder that transformers' ``save_pretrained`` wrote, or a hub
    id. ``adapter`` is a PEFT folder. ``dtype`` is "float32", "bfloat16" or "float16"; by default
    the checkpoint's own, except that a CPU without AVX512-BF16 gets float32. ``device`` is the
    first GPU by default, else the CPU. Only safetensors are read, and no code from checkpoints.
    Raises AssayError for a name that is none of the three, an unreachable hub, an unknown family,
    and files that are missing, damaged or do not fit.
    """
    place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    checkpoint = locate(name)
    config = read_config(checkpoint)
    architecture = architecture_of(config.model_type)
    module = read_weights(checkpoint, config, chosen_dtype(dtype, config, place)).to(place)
    tokenizer = read_tokenizer(checkpoint)
    base_hash, adapter_hash = checkpoint.recorded_sha256, None
    if adapter is not None:
        # PEFT takes seconds to import, and most models have no adapter.
        from assay.models.adapters import apply_adapter

        # Taken before the adapter changes the weights.
        base_hash = base_hash or weights_sha256(module)
        module, adapter_hash = apply_adapter(module, Path(adapter), name)
    return describe(
        name,
        module.eval(),
        tokenizer,
        architecture,
        recorded_base_sha256=base_hash,
        adapter_hash=adapter_hash,
    )


def wrap_model(
    module: nn.Module,
    tokenizer: Any = None,
    *,
    name: str = "model in memory",
    architecture: Architecture | None = None,
) -> LanguageModel:
    """Describe a transformers causal language model that is in memory; nothing is copied.

    Of a PEFT model the base model is taken, with the adapter's layers in place. ``architecture``
    replaces the table's row for the model's family, for a model that transformers does not have.
    The module's training mode is left as it is: a forward pass that reads activations turns dropout
    off while it lasts. Raises AssayError for an unknown family.
    """
    whole: Any = module
    if hasattr(whole, "peft_config") and hasattr(whole, "get_base_model"):
        whole = whole.get_base_model()
    row = architecture or architecture_of(whole.config.model_type)
    return describe(name, whole, tokenizer, row)


def describe(
    name: str,
    module: nn.Module,
    tokenizer: Any,
    architecture: Architecture,
    *,
    recorded_base_sha256: str | None = None,
    adapter_hash: str | None = None,
) -> LanguageModel:
    """A model with its sizes, read from its configuration."""
    config: Any = module.config
    heads = config.num_attention_heads
    return LanguageModel(
        name=name,
        module=module,
        tokenizer=tokenizer,
        architecture=architecture,
        n_layers=config.num_hidden_layers,
        d_model=config.hidden_size,
        n_heads=heads,
        n_kv_heads=getattr(config, "num_key_value_heads", None) or heads,
        head_dim=getattr(config, "head_dim", None) or config.hidden_size // heads,
        context_length=getattr(config, "max_position_embeddings", None),
        vocabulary_size=config.vocab_size,
        recorded_base_sha256=recorded_base_sha256,
        adapter_sha256=adapter_hash,
    )


def chosen_dtype(dtype: str | torch.dtype | None, config: Any, place: torch.device) -> torch.dtype:
    """The dtype asked for, or the one that suits checkpoint and machine."""
    if dtype is not None:
        wanted = str(dtype).removeprefix("torch.")
        if wanted not in DTYPES:
            raise AssayError(f"unknown dtype '{wanted}'; valid: {', '.join(DTYPES)}")
        chosen: torch.dtype = getattr(torch, wanted)
        return chosen
    stored = getattr(config, "dtype", None)
    if stored not in (torch.bfloat16, torch.float16):
        return torch.float32
    if place.type != "cpu":
        return stored
    # Half precision on a CPU pays only where the CPU multiplies bf16 itself.
    fast = stored == torch.bfloat16 and cpu_multiplies_bf16()
    return torch.bfloat16 if fast else torch.float32


def cpu_multiplies_bf16() -> bool:
    """Whether the CPU has AVX512-BF16 instructions."""
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(supported and supported())
