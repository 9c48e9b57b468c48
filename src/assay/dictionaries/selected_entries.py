"""Entries of the pre-activation matrix that were selected, as flat lists in row order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float, Int


@dataclass(frozen=True)
class Entries:
    """Selected entries, rows never decreasing."""

    rows: Int[Tensor, " nnz"]
    """Row of each entry, int32 or int64."""
    features: Int[Tensor, " nnz"]
    """Feature of each entry, of the same dtype."""
    values: Float[Tensor, " nnz"]
    """float32 pre-activation u of each entry."""

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, which: Tensor) -> Entries:
        """Some of the entries, by mask or by increasing index."""
        if which.dtype == torch.bool:
            which = which.nonzero().flatten()
        return Entries(
            self.rows.index_select(0, which),
            self.features.index_select(0, which),
            self.values.index_select(0, which),
        )
