"""Products with sparse codes: gathered sums and sampled dot products, never a dense n × m matrix.

Codes are flat lists of (bag, feature, value); a bag is a row, or a row's share of one prefix.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float, Int


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


@dataclass(frozen=True)
class FeatureOrder:
    """Entries sorted by feature (compressed sparse columns)."""

    order: Int[Tensor, " nnz"]
    """Position of each entry, in feature order, in the original list."""
    offsets: Int[Tensor, " features_plus_one"]
    """Where each feature's entries begin in that order, and their number."""
    counts: Int[Tensor, " features"]
    """Entries of each feature."""


def order_by_feature(features: Int[Tensor, " nnz"], width: int) -> FeatureOrder:
    """Sort entries by feature, keeping the order of equals, so that sums are reproducible."""
    narrow = features.to(torch.int16) if width <= 1 << 15 else features.to(torch.int32)
    order = torch.sort(narrow, stable=True).indices
    counts = torch.bincount(features, minlength=width)
    offsets = counts.new_zeros(width + 1)
    torch.cumsum(counts, 0, out=offsets[1:])
    return FeatureOrder(order, offsets, counts)


def feature_dots(
    vectors: Float[Tensor, "bags width"],
    directions: Float[Tensor, "features width"],
    bags: Int[Tensor, " nnz"],
    offsets: Int[Tensor, " features_plus_one"],
) -> Float[Tensor, " nnz"]:
    """⟨vectors[bags[e]], directions[f]⟩ of each entry e of each feature f, without gathered copies.

    Entries come in feature order, so that each direction is read once. They are the pattern of a
    sparse matrix [features, bags]; of directions · vectorsᵀ only the entries in it are computed.
    """
    if len(bags) == 0:
        return vectors.new_zeros(0)
    with warnings.catch_warnings():
        # torch warns once a process that this layout is in beta.
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        pattern = torch.sparse_csr_tensor(
            offsets.to(bags.dtype),
            bags,
            vectors.new_zeros(len(bags)),
            size=(len(directions), len(vectors)),
            check_invariants=False,
        )
    dots: Tensor = torch.sparse.sampled_addmm(pattern, directions, vectors.T, beta=0.0)
    return dots.values()


def feature_sums(
    features: Int[Tensor, " nnz"], weights: Float[Tensor, " nnz"], width: int
) -> Float[Tensor, " width"]:
    """Σ weights[e] over the entries of each feature."""
    return torch.bincount(features, weights=weights, minlength=width)
