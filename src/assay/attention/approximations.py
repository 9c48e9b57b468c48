"""What a head's attention patterns are approximated by: baselines, and dictionaries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch

from assay.attention.attention_patterns import log_patterns, masked
from assay.attention.attention_reading import AttentionSample
from assay.attention.layer_attention import AttentionLayer
from assay.attention.qk_dictionary import QKDictionary
from assay.attention.qk_result import View

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

Approximation = Callable[[AttentionSample], "Float[Tensor, 'crop heads position position']"]
"""Log-patterns of some crops."""
RANKS: tuple[tuple[View, int], ...] = (("PCA 16", 16), ("PCA 32", 32))
CROPS_AT_ONCE = 8


def approximations(
    attention: AttentionLayer,
    training: AttentionSample,
    learned: QKDictionary,
    baseline: QKDictionary,
) -> Mapping[View, Approximation]:
    """Every approximation; what is fitted is fitted on the crops that the dictionaries learned from."""
    mean = mean_pattern(attention, training)
    uniform = masked(torch.zeros_like(mean)).log_softmax(dim=-1)
    found: dict[View, Approximation] = {
        "uniform": lambda some: uniform.expand(len(some), *uniform.shape),
        "mean pattern": lambda some: mean.log().expand(len(some), *mean.shape),
    }
    for name, rank in RANKS:
        found[name] = _of_principal_components(attention, training, rank)
    found["mean squared error"] = of_dictionary(attention, baseline)
    found["patterns"] = of_dictionary(attention, learned)
    return found


def of_dictionary(attention: AttentionLayer, dictionary: QKDictionary) -> Approximation:
    """The patterns of a dictionary's queries and keys."""

    def approximate(some: AttentionSample) -> Tensor:
        with torch.no_grad():
            return log_patterns(attention, dictionary.query(some.x), dictionary.key(some.x))

    return approximate


def mean_pattern(
    attention: AttentionLayer, training: AttentionSample
) -> Float[Tensor, "heads position position"]:
    """The mean attention of each head from each position to each other, over crops."""
    length = training.q.shape[1]
    total = torch.zeros(attention.n_heads, length, length)
    for start in range(0, len(training), CROPS_AT_ONCE):
        some = training.rows(slice(start, start + CROPS_AT_ONCE))
        total += log_patterns(attention, some.q, some.k).exp().sum(dim=0)
    return total / len(training)


def _of_principal_components(
    attention: AttentionLayer, training: AttentionSample, rank: int
) -> Approximation:
    """Queries and keys of each head projected on their first principal components: not sparse."""
    q = _projection(training.q, attention.n_heads, rank)
    k = _projection(training.k, attention.n_kv_heads, rank)
    return lambda some: log_patterns(attention, q(some.q), k(some.k))


def _projection(x: Tensor, heads: int, rank: int) -> Callable[[Tensor], Tensor]:
    rows = x.flatten(0, 1).unflatten(-1, (heads, -1))
    mean = rows.mean(dim=0)
    bases = []
    for head in range(heads):
        centred = (rows[:, head] - mean[head]).double()
        values = torch.linalg.eigh(centred.T @ centred)
        bases.append(values.eigenvectors[:, -rank:].float())
    basis = torch.stack(bases)

    def project(some: Tensor) -> Tensor:
        centred = some.unflatten(-1, (heads, -1)) - mean
        low = torch.einsum("...hd,hdr->...hr", centred, basis)
        return (torch.einsum("...hr,hdr->...hd", low, basis) + mean).flatten(-2)

    return project
