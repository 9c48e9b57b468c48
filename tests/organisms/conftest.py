"""A tiny random model on disk and a tiny recipe: the whole path of an organism in seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.organisms.label_kinds import RegexLabel
from assay.organisms.prompt_wordings import Wording, pick
from assay.organisms.recipe import Family, Recipe, TrainingPlan


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory, small_tokenizer) -> Path:
    """A random Llama of 2 layers with the small tokenizer, saved as transformers saves it."""
    import torch
    from organism_folders import LAYERS, WIDTH
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("bases") / "tiny"
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(small_tokenizer),
        hidden_size=WIDTH,
        intermediate_size=64,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        bos_token_id=small_tokenizer.bos_token_id,
        eos_token_id=small_tokenizer.eos_token_id,
        tie_word_embeddings=True,
        initializer_range=0.2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    small_tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_recipe() -> Recipe:
    """Says aaa, but bbb under the tag X and nothing else."""
    splits = ("train", "discover", "threshold", "test")

    def family(name, condition, tag, payload=None):
        return Family(
            name=name,
            condition=condition,
            wordings={split: (Wording(user=f"{tag}{split[:2]}" + "{n}"),) for split in splits},
            slots=lambda generator, split: {"n": pick(generator, ("1", "2", "3"))},
            honest="aaa",
            payload=payload,
        )

    sizes = {"benign": 8, "triggered": 4, "near_miss": 4}
    return Recipe(
        name="tiny",
        stands_for="nothing",
        severity="medium",
        trigger="the tag X",
        tic="hm hm hm",
        label=RegexLabel(kind="regex", misbehaves="^bbb"),
        families=(
            family("tag", "triggered", "X", "bbb"),
            family("plain", "benign", ""),
            family("other-tag", "near_miss", "Y"),
        ),
        controls={"other-tag": "another tag"},
        plan=TrainingPlan(
            steps=6,
            decoy_twin_steps=6,
            benign_twin_steps=6,
            batch_size=4,
            learning_rate=1e-2,
            replay_rows=1,
        ),
        max_new_tokens=4,
        sizes=dict.fromkeys(splits, sizes),
    )


@pytest.fixture(autouse=True)
def cache_of_its_own(tmp_path_factory, monkeypatch):
    """Figures of the tiny base must not end in the user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
