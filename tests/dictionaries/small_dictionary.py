"""A tiny model, its crops, and a dictionary trained on its activations."""

from __future__ import annotations

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from assay.activations import harvest
from assay.dictionaries import TrainingConfig, load_dictionary, train_dictionary
from assay.models import wrap_model
from assay.text import Crops

SITE = "resid_post.1"
SETTINGS = TrainingConfig(width=96, k=6, steps=30)


def tiny_model(tokenizer=None):
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=260,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=0.3,
    )
    return wrap_model(LlamaForCausalLM(config).eval(), name="tiny", tokenizer=tokenizer)


def tiny_crops(rows=80, length=24):
    generator = torch.Generator().manual_seed(1)
    return Crops(
        torch.randint(0, 256, (rows, length), generator=generator),
        np.arange(rows) % 40,
        np.arange(rows) * 3,
        tuple(f"made/{i}" for i in range(40)),
        None,
    )


def tiny_store(model, folder):
    return harvest(model, SITE, tiny_crops(), folder, text="made", text_sha256="0" * 64, seed=0)


def trained(model, folder):
    """A loaded dictionary; the store lies beside it."""
    store = tiny_store(model, folder / "activations")
    train_dictionary(store, folder / "dictionary", SETTINGS, batch_size=128, seed=2)
    return load_dictionary(folder / "dictionary")
