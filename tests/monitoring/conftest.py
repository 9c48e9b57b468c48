"""A tiny random chat model on disk, and loaded once."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def watched_folder(tmp_path_factory, small_tokenizer) -> Path:
    """A random Llama of 2 layers with the small tokenizer, saved as transformers saves it."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("watched") / "tiny"
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(small_tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        bos_token_id=small_tokenizer.bos_token_id,
        eos_token_id=small_tokenizer.eos_token_id,
        tie_word_embeddings=True,
        initializer_range=0.2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    small_tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def watched_model(watched_folder):
    from assay.models import load_model

    return load_model(str(watched_folder), device="cpu")


@pytest.fixture(scope="session")
def monitor(watched_model):
    """Fires in up to a fifth of random conversations; rolls back by the e-process."""
    from small_monitors import small_monitor

    return small_monitor(watched_model)
