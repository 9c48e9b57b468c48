"""Tiny random models, crops and dictionaries for the crossed design."""

from __future__ import annotations

import numpy as np
import torch

from assay.dictionaries.topk import TopK
from assay.models import wrap_model
from assay.position import CrossedSizes
from assay.text import Crops

WIDTH, LENGTH, VOCABULARY = 32, 24, 60
SIZES = CrossedSizes(contents=40, offsets=3, fillers=4, batch=64, beside_contents=24)


def with_mild_predictions(module, name):
    """Weak logits, so that the cross-entropy guard keeps every offset of a random model."""
    with torch.no_grad():
        module.lm_head.weight.mul_(0.01)
    return wrap_model(module.eval(), name=name)


def tiny_gpt2():
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=VOCABULARY,
        n_positions=96,
        n_embd=WIDTH,
        n_layer=2,
        n_head=4,
        bos_token_id=0,
        eos_token_id=0,
        tie_word_embeddings=False,
    )
    return with_mild_predictions(GPT2LMHeadModel(config), "tiny GPT-2")


def tiny_llama():
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=96,
        initializer_range=0.4,
    )
    return with_mild_predictions(LlamaForCausalLM(config), "tiny Llama")


def random_crops(rows=60, first_token=0, crops_a_document=1):
    tokens = torch.randint(
        1, VOCABULARY, (rows, LENGTH), generator=torch.Generator().manual_seed(1)
    )
    if first_token is not None:
        tokens[:, 0] = first_token
    documents = np.arange(rows) // crops_a_document
    names = tuple(f"d{number}" for number in range(rows))
    return Crops(tokens, documents, np.zeros(rows, dtype=np.int64), names, first_token)


def random_dictionary(width=48, k=8, d_in=WIDTH, scale=1.0):
    dictionary = TopK(d_in, width, k)
    generator = torch.Generator().manual_seed(2)
    rows = torch.nn.functional.normalize(torch.randn(width, d_in, generator=generator), dim=1)
    dictionary.W_enc.data, dictionary.W_dec.data = scale * rows, rows.clone()
    return dictionary
