"""The same tiny model on the CPU and on the device under test.

The device is ``cuda``, or what ASSAY_GPU_TEST_DEVICE names: ``benchmarks/gpu.sh --dry`` names cpu,
to try the tests themselves on a machine without a GPU.
"""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from assay.models import wrap_model
from assay.text import Crops


@pytest.fixture(scope="session")
def device() -> torch.device:
    return torch.device(os.environ.get("ASSAY_GPU_TEST_DEVICE", "cuda"))


@pytest.fixture(scope="session")
def build_model(small_tokenizer):
    """A function that makes the same random model, in float32, on any device."""

    def build(place):
        torch.manual_seed(0)
        config = LlamaConfig(
            vocab_size=len(small_tokenizer),
            hidden_size=96,
            intermediate_size=160,
            num_hidden_layers=4,
            num_attention_heads=6,
            num_key_value_heads=2,
            max_position_embeddings=512,
            initializer_range=0.15,
        )
        module = LlamaForCausalLM(config).eval().to(place)
        return wrap_model(module, small_tokenizer, name="random Llama")

    return build


@pytest.fixture(scope="session")
def on_cpu(build_model):
    return build_model("cpu")


@pytest.fixture(scope="session")
def on_device(build_model, device):
    return build_model(device)


@pytest.fixture(scope="session")
def crops():
    """160 crops of 48 tokens from 80 documents."""
    generator = torch.Generator().manual_seed(0)
    rows = 160
    return Crops(
        torch.randint(0, 256, (rows, 48), generator=generator),
        np.arange(rows) % 80,
        np.arange(rows),
        tuple(f"made/{i}" for i in range(80)),
        None,
    )
