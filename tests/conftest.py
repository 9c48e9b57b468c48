"""Shared fixtures: a small offline tokenizer, a tiny model, and one whole run of a tiny case."""

from __future__ import annotations

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest

from tiny_case import (
    concerns,
    plant_organisms,
    save_tiny_model,
    tiny_settings,
    write_case,
    write_text,
)

CHAT_TEMPLATE = (
    "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nYou are helpful<|im_end|>\n"
    "{% endif %}{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture(scope="session")
def small_tokenizer():
    """A byte-level tokenizer of 260 tokens with a BOS and a chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate(alphabet)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<|im_start|>", eos_token="<|im_end|>"
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


@pytest.fixture(scope="session")
def tiny_model_folder(tmp_path_factory, small_tokenizer):
    """A random Llama of 3 layers with the small tokenizer, on disk."""
    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny-llama", small_tokenizer)


@pytest.fixture(scope="session")
def text_file(tmp_path_factory):
    """120 documents of random words."""
    return write_text(tmp_path_factory.mktemp("text") / "texts.jsonl")


@pytest.fixture(scope="session")
def tiny_work(tmp_path_factory, tiny_model_folder, text_file):
    """A folder with organisms and a case file, in which the whole case was run once."""
    from assay.pipeline import run_case

    folder = tmp_path_factory.mktemp("case")
    organisms = plant_organisms(folder / "organisms", tiny_model_folder)
    settings = tiny_settings(tiny_model_folder, text_file) | concerns(organisms)
    run_case(write_case(folder, settings), folder / "out")
    return folder


@pytest.fixture(scope="session")
def tiny_run(tiny_work):
    """The results of that run: what the report and the safety case are made from."""
    from assay.pipeline import read_run

    return read_run(tiny_work / "out" / "tiny")
