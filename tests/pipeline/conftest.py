"""A tiny model in a folder, a text file and a case file: the whole main job in seconds."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import yaml


@pytest.fixture(scope="session")
def tiny_model_folder(tmp_path_factory, small_tokenizer) -> Path:
    """A random Llama of 3 layers with the small tokenizer, saved as transformers saves it."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("models") / "tiny-llama"
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(small_tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        bos_token_id=small_tokenizer.bos_token_id,
        eos_token_id=small_tokenizer.eos_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    small_tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def text_file(tmp_path_factory) -> Path:
    """120 documents of random words."""
    generator = random.Random(0)
    words = ["".join(generator.choices("abcdefghij", k=generator.randint(2, 7))) for _ in range(60)]
    path = tmp_path_factory.mktemp("text") / "texts.jsonl"
    lines = [
        json.dumps({"id": f"d{i}", "text": " ".join(generator.choices(words, k=120))})
        for i in range(120)
    ]
    path.write_text("\n".join(lines))
    return path


def tiny_settings(model: Path, text: Path) -> dict:
    """The settings of a case on the tiny model."""
    return {
        "name": "tiny",
        "seed": 1,
        "model": {"id": str(model), "dtype": "float32"},
        "dictionary": {
            "site": "resid_post.1",
            "train": {
                "architecture": "batch_topk",
                "width": 64,
                "k": 4,
                "tokens": 4096,
                "steps": 40,
                "batch_size": 128,
            },
        },
        "text": str(text),
        "audit": {
            "rows": 64,
            "length": 32,
            "quality_rows": 32,
            "spliced_rows": 16,
            "causal": {"contents": 40, "offsets": 3, "fillers": 3},
        },
    }


@pytest.fixture(scope="session")
def case_in(tiny_model_folder, text_file):
    """A function that writes a case file into a folder, with changes to its keys."""

    def write(folder: Path, **changes) -> Path:
        path = folder / "case.yaml"
        path.write_text(yaml.safe_dump(tiny_settings(tiny_model_folder, text_file) | changes))
        return path

    return write


@pytest.fixture
def tiny_case(tmp_path, case_in):
    """A function that writes a case file, with changes to its keys, and returns its path."""
    return lambda **changes: case_in(tmp_path, **changes)
