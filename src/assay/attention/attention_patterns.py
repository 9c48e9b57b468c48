"""Attention patterns from queries and keys, and how far one pattern is from another.

A pattern is a distribution over the keys at or before a query: constants added to a row of scores
change nothing, and nothing that such a constant could change is reported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from assay.attention.layer_attention import AttentionLayer, rotate

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


def log_patterns(
    attention: AttentionLayer,
    queries: Float[Tensor, "batch position all_query_heads"],
    keys: Float[Tensor, "batch position all_key_heads"],
) -> Float[Tensor, "batch heads position position"]:
    """Log-probabilities of each query's attention, −∞ at keys after it; float32.

    ``queries`` and ``keys`` are before rotation, the heads side by side.
    """
    q = rotate(_by_head(queries, attention.n_heads), attention)
    k = rotate(_by_head(keys, attention.n_kv_heads), attention)
    k = k.repeat_interleave(attention.n_heads // attention.n_kv_heads, dim=1)
    scores = (q @ k.transpose(-1, -2)) * attention.scaling
    return masked(scores).log_softmax(dim=-1)


def masked(
    scores: Float[Tensor, "... position position"],
) -> Float[Tensor, "... position position"]:
    """The scores with −∞ at keys after the query."""
    length = scores.shape[-1]
    later = torch.ones(length, length, dtype=torch.bool, device=scores.device).triu(1)
    return scores.masked_fill(later, -torch.inf)


def pattern_kl(
    true: Float[Tensor, "batch heads position position"],
    other: Float[Tensor, "batch heads position position"],
    *,
    without_first: bool = False,
) -> Float[Tensor, "batch heads queries"]:
    """KL(true ‖ other) of log-patterns in nats, at each query from position 1 on.

    ``without_first`` leaves out the first key, the attention sink, and renormalises both: else a head
    that mostly looks at the sink is explained by that alone.
    """
    if without_first:
        true, other = (_renormalised(log[..., 1:, 1:]) for log in (true, other))
    else:
        true, other = true[..., 1:, :], other[..., 1:, :]
    # Where the true pattern is 0 the term is 0, and not 0 · −∞.
    difference = torch.where(true.isneginf(), 0.0, true - other)
    return (true.exp() * difference).sum(dim=-1)


def _renormalised(logs: Tensor) -> Tensor:
    return logs - logs.logsumexp(dim=-1, keepdim=True)


def _by_head(x: Tensor, heads: int) -> Float[Tensor, "batch heads position head_dim"]:
    return x.float().unflatten(-1, (heads, -1)).transpose(1, 2)
