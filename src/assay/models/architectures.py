"""The table that says where each family of models keeps its parts.

Paths are attribute paths as transformers names the modules. To add a family, add a row here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from assay.errors import unknown_name

TABLE = "assay/models/architectures.py"
"""This file, for messages."""


@dataclass(frozen=True)
class Projection:
    """Where the queries, keys or values of all heads appear, before any rotation."""

    path: str
    """Module, inside a block, whose output holds them."""
    layout: str = "heads"
    """How that output arranges them: ``heads`` [batch, position, heads * head_dim] (also split into
    [batch, position, heads, head_dim]); ``heads_first`` [batch, heads, position, head_dim];
    ``concatenated`` all queries, then all keys, then all values; ``interleaved`` each head's
    query, key and value side by side."""
    part: int = 0
    """Which part it is in ``concatenated`` and ``interleaved``: 0 query, 1 key, 2 value."""


@dataclass(frozen=True)
class Architecture:
    """Where one family of models keeps its parts."""

    family: str
    """transformers' ``model_type``."""
    position_scheme: str
    """How positions enter: learned_absolute, sinusoidal, position_infused, rotary, alibi or none."""
    decoder: str
    """Inside the causal language model: everything but the unembedding."""
    blocks: str
    """Inside the decoder: the list of blocks."""
    embedding: str
    """Inside the decoder: the token embedding."""
    final_norm: str
    """Inside the decoder: the norm before the unembedding."""
    query: Projection
    """Queries of all heads; after a query norm where the family has one."""
    key: Projection
    """Keys of all key-value heads; after a key norm where the family has one."""
    value: Projection
    """Values of all key-value heads."""
    output_projection: str
    """Inside a block: W_O. Its input is the concatenated outputs of the heads."""
    attention_output: str
    """Inside a block: the module whose output attention adds to the residual stream."""
    mlp_output: str
    """Inside a block: the module whose output the MLP adds to the residual stream."""
    unembedding: str = "lm_head"
    """Inside the causal language model: W_U."""
    final_norm_offset: float = 0.0
    """What the final norm adds to its stored weight before it multiplies (1 in Gemma)."""


_LLAMA = Architecture(
    family="llama",
    position_scheme="rotary",
    decoder="model",
    blocks="layers",
    embedding="embed_tokens",
    final_norm="norm",
    query=Projection("self_attn.q_proj"),
    key=Projection("self_attn.k_proj"),
    value=Projection("self_attn.v_proj"),
    output_projection="self_attn.o_proj",
    attention_output="self_attn.o_proj",
    mlp_output="mlp",
)

_GPT2 = Architecture(
    family="gpt2",
    position_scheme="learned_absolute",
    decoder="transformer",
    blocks="h",
    embedding="wte",
    final_norm="ln_f",
    query=Projection("attn.c_attn", "concatenated", 0),
    key=Projection("attn.c_attn", "concatenated", 1),
    value=Projection("attn.c_attn", "concatenated", 2),
    output_projection="attn.c_proj",
    attention_output="attn.c_proj",
    mlp_output="mlp",
)

_GPT_NEOX = Architecture(
    family="gpt_neox",
    position_scheme="rotary",
    decoder="gpt_neox",
    blocks="layers",
    embedding="embed_in",
    final_norm="final_layer_norm",
    query=Projection("attention.query_key_value", "interleaved", 0),
    key=Projection("attention.query_key_value", "interleaved", 1),
    value=Projection("attention.query_key_value", "interleaved", 2),
    output_projection="attention.dense",
    attention_output="attention.dense",
    mlp_output="mlp",
)

# A norm stands after attention and after the MLP; its output is added to the residual stream.
_NORMS_AFTER = replace(
    _LLAMA,
    attention_output="post_attention_layernorm",
    mlp_output="post_feedforward_layernorm",
)

ARCHITECTURES: dict[str, Architecture] = {
    row.family: row
    for row in (
        _GPT2,
        _LLAMA,
        replace(_LLAMA, family="mistral"),
        replace(_LLAMA, family="qwen2"),
        replace(
            _LLAMA,
            family="qwen3",
            query=Projection("self_attn.q_norm"),
            key=Projection("self_attn.k_norm"),
        ),
        replace(
            _LLAMA,
            family="phi3",
            query=Projection("self_attn.qkv_proj", "concatenated", 0),
            key=Projection("self_attn.qkv_proj", "concatenated", 1),
            value=Projection("self_attn.qkv_proj", "concatenated", 2),
        ),
        replace(
            _NORMS_AFTER,
            family="olmo2",
            query=Projection("self_attn.q_norm"),
            key=Projection("self_attn.k_norm"),
        ),
        replace(_LLAMA, family="gemma", final_norm_offset=1.0),
        replace(_NORMS_AFTER, family="gemma2", final_norm_offset=1.0),
        replace(
            _NORMS_AFTER,
            family="gemma3_text",
            query=Projection("self_attn.q_norm", "heads_first"),
            key=Projection("self_attn.k_norm", "heads_first"),
            final_norm_offset=1.0,
        ),
        _GPT_NEOX,
        replace(
            _GPT_NEOX,
            family="bloom",
            position_scheme="alibi",
            decoder="transformer",
            blocks="h",
            embedding="word_embeddings",
            final_norm="ln_f",
            query=Projection("self_attention.query_key_value", "interleaved", 0),
            key=Projection("self_attention.query_key_value", "interleaved", 1),
            value=Projection("self_attention.query_key_value", "interleaved", 2),
            output_projection="self_attention.dense",
            attention_output="self_attention.dense",
            mlp_output="mlp.dense_4h_to_h",
        ),
    )
}


def architecture_of(family: str) -> Architecture:
    """The row of a family. Raises AssayError, with the known families, for an unknown one."""
    if family not in ARCHITECTURES:
        raise unknown_name("model family", family, ARCHITECTURES, where=f"the table {TABLE}")
    return ARCHITECTURES[family]
