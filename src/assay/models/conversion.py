"""Convert quantised GGUF weights to safetensors, which transformers loads faster."""

from __future__ import annotations

import io
from contextlib import redirect_stderr
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from assay.models.quiet import quiet_transformers
from assay.models.weight_hashes import weights_sha256


def save_gguf_as_safetensors(gguf: Path, folder: Path) -> str:
    """Dequantise, round to bf16, and save weights and tokenizer in ``folder``.

    Returns the hash of the weights' values. A new model is built from the configuration, because
    transformers refuses to cast or save one that was loaded from GGUF.
    """
    # The reader of GGUF files draws its own progress bar, which no setting turns off.
    with quiet_transformers(), redirect_stderr(io.StringIO()):
        loaded = AutoModelForCausalLM.from_pretrained(
            gguf.parent, gguf_file=gguf.name, dtype=torch.float32
        )
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
        config = loaded.config
        del config.quantization_config
        config.dtype = torch.bfloat16
        fresh = AutoModelForCausalLM.from_config(config)
        fresh.load_state_dict(loaded.state_dict())
        fresh.to(torch.bfloat16)
        fresh.tie_weights()
        fresh.generation_config = loaded.generation_config
        fresh.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return weights_sha256(fresh)
