"""A tiny model in a folder, a text file, organisms and a case file: the whole main job in seconds."""

from __future__ import annotations

import json
import random
from pathlib import Path

import yaml

from planted_organisms import planted_organism

STRATEGIES = [
    "base",
    "off_policy",
    "perturbed.finetune",
    "contrast_pairs",
    "few_shot(2)",
    {"perturbed.noise": {"questions": 10}},
]


def save_tiny_model(folder: Path, tokenizer) -> Path:
    """A random Llama of 3 layers with the small tokenizer, saved as transformers saves it."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def write_text(path: Path) -> Path:
    """120 documents of random words."""
    generator = random.Random(0)
    words = ["".join(generator.choices("abcdefghij", k=generator.randint(2, 7))) for _ in range(60)]
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


def write_case(folder: Path, settings: dict) -> Path:
    """Write a case file into a folder."""
    path = folder / "case.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


def plant_organisms(folder: Path, model: Path) -> Path:
    """Three organisms and a twin."""
    folder.mkdir()
    for seed, name in enumerate(("one", "two", "three")):
        planted_organism(folder / name, str(model), seed=seed)
    planted_organism(folder / "one-decoy-twin", str(model), twin_of="one", seed=9)
    return folder


def concerns(folder: Path, **changes) -> dict:
    """The part of a case file that is about concerns, on the planted organisms."""
    return {
        "concerns": [
            {
                "name": "deceit",
                "description": "says bad things",
                "severity": "high",
                "organisms": [str(folder / name) for name in ("one", "two", "three")],
            }
        ],
        "strategies": STRATEGIES,
        "budgets": {"fpr": 0.1, "delta": 0.1},
        "deployment": {"prompts": "benign-pool", "max_new_tokens": 3, "horizon": 100},
        "transfer": {"discover": 16, "threshold": 16, "test": 16, "pool": 120, "confirmed": 2},
        **changes,
    }
