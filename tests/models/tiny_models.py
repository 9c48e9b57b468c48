"""Random tiny models of every family in the table, in float32, with odd numbers of heads."""

from __future__ import annotations

import functools

import torch
import transformers

from assay.models import LanguageModel, Site, wrap_model

VOCABULARY = 97
LAYERS = 3

COMMON = {
    "vocab_size": VOCABULARY,
    "num_hidden_layers": LAYERS,
    "hidden_size": 36,
    "intermediate_size": 48,
    "max_position_embeddings": 64,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
GROUPED = {**COMMON, "num_attention_heads": 6, "num_key_value_heads": 2, "head_dim": 8}
SLIDING = {
    **GROUPED,
    "sliding_window": 5,
    "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
    "query_pre_attn_scalar": 8,
}


def configuration(family: str) -> transformers.PreTrainedConfig:
    if family == "gpt2":
        return transformers.GPT2Config(
            vocab_size=VOCABULARY, n_layer=LAYERS, n_embd=30, n_head=3, n_positions=64
        )
    if family == "bloom":
        return transformers.BloomConfig(
            vocab_size=VOCABULARY, n_layer=LAYERS, hidden_size=40, n_head=5
        )
    if family.startswith("gpt_neox"):
        return transformers.GPTNeoXConfig(
            **{**COMMON, "hidden_size": 40},
            num_attention_heads=5,
            use_parallel_residual=family == "gpt_neox",
        )
    if family == "llama":
        odd = {"num_attention_heads": 9, "num_key_value_heads": 3, "head_dim": 4}
        return transformers.LlamaConfig(**{**GROUPED, **odd})
    kinds = {
        "mistral": (transformers.MistralConfig, {**GROUPED, "sliding_window": 5}),
        "qwen2": (transformers.Qwen2Config, {**GROUPED, "head_dim": None}),
        "qwen3": (transformers.Qwen3Config, GROUPED),
        "phi3": (transformers.Phi3Config, {**GROUPED, "head_dim": None}),
        "olmo2": (transformers.Olmo2Config, {**GROUPED, "head_dim": None}),
        "gemma": (transformers.GemmaConfig, GROUPED),
        "gemma2": (transformers.Gemma2Config, SLIDING),
        "gemma3_text": (transformers.Gemma3TextConfig, SLIDING),
    }
    kind, settings = kinds[family]
    if settings["head_dim"] is None:
        settings = {key: value for key, value in settings.items() if key != "head_dim"}
    return kind(**settings)


FAMILIES = [
    "gpt2",
    "llama",
    "mistral",
    "qwen2",
    "qwen3",
    "phi3",
    "olmo2",
    "gemma",
    "gemma2",
    "gemma3_text",
    "gpt_neox",
    "gpt_neox_sequential",
    "bloom",
]


def fresh_model(family: str, seed: int = 0) -> LanguageModel:
    """A model of its own, with every weight random, also the norms' and the biases."""
    module = transformers.AutoModelForCausalLM.from_config(configuration(family)).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.dim() == 1:
                parameter.add_(0.2 * noise)
            else:
                parameter.copy_(noise / parameter.shape[-1] ** 0.5)
    return wrap_model(module, name=f"tiny {family}")


tiny_model = functools.cache(fresh_model)
"""A model that is shared between tests, which must leave it as it is."""


def random_tokens(rows: int, length: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(3, VOCABULARY, (rows, length), generator=generator)


def site(name: str) -> Site:
    return Site.parse(name)


ALL_SITES = [
    Site(layer, kind)
    for layer in range(LAYERS)
    for kind in ("resid_pre", "q", "k", "v", "z", "attn_out", "mlp_out", "resid_post")
]
