"""Which query feature attends to which key feature in a head, and how that depends on distance.

A pair adds z_a y_b κ_ab(Δ) to a score. Before rotation neither feature knows where it stands; under
rotary positions κ_ab is exact: over each rotation pair m of the head's first dimensions, A_m cos θ_mΔ +
B_m sin θ_mΔ with A = u₁v₁ + u₂v₂ and B = u₁v₂ − u₂v₁, and the plain product of the others (METHODS 4).
Products of biases depend on distance too; they belong to no pair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from assay.attention.layer_attention import AttentionLayer
from assay.attention.qk_dictionary import QKDictionary

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

DISTANCES = 64
"""Distances from 0 on at which kernels are shown."""
SEARCHED = (0, 1, 2, 4, 8, 16, 32, 63)
"""Distances at which the largest value of every pair's kernel is looked for."""


class FeaturePair(NamedTuple):
    """A query feature and a key feature in one head."""

    head: int
    """The query head."""
    query: int
    """The query feature."""
    key: int
    """The key feature."""
    strength: float
    """E[z] · E[y] · max |κ| over the searched distances."""


class RankedPairs(NamedTuple):
    """The strongest pairs of each head, and how concentrated all pairs are."""

    pairs: list[FeaturePair]
    """The strongest first, head by head."""
    for_90: int
    """How many of all triples hold 90 % of the sum of strengths."""
    triples: int
    """How many triples of query feature, key feature and head there are."""


def relative_kernels(
    attention: AttentionLayer,
    queries: Float[Tensor, "pairs head_dim"],
    keys: Float[Tensor, "pairs head_dim"],
    distances: Float[Tensor, " distances"],
) -> Float[Tensor, "pairs distances"]:
    """κ(Δ) of decoder rows of one head, Δ = position of the query − position of the key."""
    half = attention.rotated // 2
    u1, u2, v1, v2 = (side[:, part] for side in (queries, keys) for part in _parts(half))
    a, b = u1 * v1 + u2 * v2, u1 * v2 - u2 * v1
    angles = attention.frequencies.to(queries)[:, None] * distances.to(queries)
    scale = attention.scaling
    plain = (queries[:, 2 * half :] * keys[:, 2 * half :]).sum(dim=1, keepdim=True)
    turned = attention.rotation_scale**2 * (a @ angles.cos() + b @ angles.sin())
    return scale * (turned + plain)


def strongest_pairs(
    attention: AttentionLayer,
    dictionary: QKDictionary,
    activations: tuple[Float[Tensor, " width"], Float[Tensor, " width"]],
    count: int,
) -> RankedPairs:
    """The ``count`` strongest pairs of each head.

    ``activations`` are each query and key feature's mean activation where it fires: with them a pair's
    strength does not depend on how its features are scaled. Vague features that are always on would
    come first by the sum over tokens.
    """
    z, y = activations
    pairs, every = [], []
    with torch.no_grad():
        rows_q = dictionary.query.W_dec.unflatten(1, (attention.n_heads, -1))
        rows_k = dictionary.key.W_dec.unflatten(1, (attention.n_kv_heads, -1))
        for head, key_head in enumerate(attention.key_head_of):
            u, v = rows_q[:, head] * z[:, None], rows_k[:, key_head] * y[:, None]
            largest = torch.zeros(len(u), len(v))
            for distance in SEARCHED:
                largest = torch.maximum(largest, (_turned(attention, u, distance) @ v.T).abs())
            largest = largest * attention.scaling
            values, index = largest.flatten().topk(min(count, largest.numel()))
            pairs += [
                FeaturePair(head, int(i) // len(v), int(i) % len(v), float(value))
                for value, i in zip(values, index, strict=True)
            ]
            every.append(largest.flatten())
    strengths = torch.cat(every).sort(descending=True).values.double()
    sums = strengths.cumsum(dim=0)
    for_90 = int((sums < 0.9 * sums[-1]).sum()) + 1
    return RankedPairs(pairs, for_90, len(strengths))


def flatness(kernel: Float[Tensor, " distances"]) -> float:
    """Share of a kernel's energy in its mean: 1 where distance does not matter."""
    energy = float(kernel.square().mean())
    return float(kernel.mean()) ** 2 / energy if energy else 1.0


def _parts(half: int) -> tuple[slice, slice]:
    return slice(0, half), slice(half, 2 * half)


def _turned(
    attention: AttentionLayer, u: Float[Tensor, "features head_dim"], distance: int
) -> Float[Tensor, "features head_dim"]:
    """Query rows turned by a distance, so that their product with a key row is κ at it, unscaled."""
    if not attention.rotated:
        return u
    half = attention.rotated // 2
    one, two = (u[:, part] for part in _parts(half))
    angle = attention.frequencies * distance
    cos, sin = angle.cos(), angle.sin()
    scale = attention.rotation_scale**2
    turned = torch.cat([one * cos - two * sin, two * cos + one * sin], dim=1) * scale
    return torch.cat([turned, u[:, 2 * half :]], dim=1)
