"""Products with sparse codes: gathered sums and gathered dots, never a dense n × m matrix.

Codes are flat lists of (bag, feature, value); a bag is a row, or a row's share of one prefix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor


def bag_sums(
    vectors: Float[Tensor, "count width"],
    indices: Int[Tensor, " nnz"],
    weights: Float[Tensor, " nnz"],
    offsets: Int[Tensor, " bags"],
) -> Float[Tensor, "bags width"]:
    """Σ weights[e] · vectors[indices[e]] over the entries e of each bag; offsets start the bags."""
    if len(indices) == 0:
        return vectors.new_zeros(len(offsets), vectors.shape[1])
    return torch.nn.functional.embedding_bag(
        indices.int(),
        vectors,
        offsets.int(),
        mode="sum",
        per_sample_weights=weights.to(vectors.dtype),
    )


def gathered_dots(
    left: Float[Tensor, "bags width"],
    right: Float[Tensor, "features width"],
    bags: Int[Tensor, " nnz"],
    features: Int[Tensor, " nnz"],
) -> Float[Tensor, " nnz"]:
    """⟨left[bags[e]], right[features[e]]⟩ of each entry, without gathering the vectors.

    This is the gradient of ``embedding_bag`` in its per-sample weights, for which torch has a
    kernel that reads both vectors in place. Fastest where the entries come in feature order: each
    row of ``right``, the larger matrix, is then read once.
    """
    if len(features) == 0:
        return left.new_zeros(0)
    # Mode 0 is "sum", in which the offsets, here empty, are not looked at.
    return torch.ops.aten._embedding_bag_per_sample_weights_backward(
        left, right, features.int(), features.new_zeros(0, dtype=torch.int32), bags.int(), 0
    )


@dataclass(frozen=True)
class FeatureOrder:
    """Entries sorted by feature (compressed sparse columns)."""

    order: Int[Tensor, " nnz"]
    """Position of each entry, in feature order, in the original list."""
    offsets: Int[Tensor, " features"]
    """Where each feature's entries begin in that order."""
    counts: Int[Tensor, " features"]
    """Entries of each feature."""


def order_by_feature(features: Int[Tensor, " nnz"], width: int) -> FeatureOrder:
    """Sort entries by feature, keeping the order of equals, so that sums are reproducible."""
    narrow = features.to(torch.int16) if width <= 1 << 15 else features.to(torch.int32)
    order = torch.sort(narrow, stable=True).indices
    counts = torch.bincount(features, minlength=width)
    return FeatureOrder(order, counts.cumsum(0) - counts, counts)


def feature_sums(
    features: Int[Tensor, " nnz"], weights: Float[Tensor, " nnz"], width: int
) -> Float[Tensor, " width"]:
    """Σ weights[e] over the entries of each feature."""
    return torch.bincount(features, weights=weights, minlength=width)
