"""Sparse codes: which features fire on which rows, and how strongly. Never dense n × m."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float, Int


@dataclass(frozen=True)
class SparseCodes:
    """The codes of n rows in compressed-sparse-row form; every stored value is > 0."""

    features: Int[Tensor, " nnz"]
    """int64 feature index of each stored value, grouped by row."""
    values: Float[Tensor, " nnz"]
    """float32 activation of that feature on that row."""
    offsets: Int[Tensor, " rows_plus_one"]
    """int64: row i owns entries offsets[i] up to offsets[i + 1]."""
    width: int
    """The dictionary's number of features, m."""

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def rows(self) -> Int[Tensor, " nnz"]:
        """The row of each stored value."""
        counts = self.offsets.diff()
        return torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)

    def dense(self) -> Float[Tensor, "rows width"]:
        """The codes as a dense matrix: for tests and small examples only."""
        out = torch.zeros(len(self), self.width, device=self.values.device)
        out[self.rows, self.features] = self.values
        return out

    @classmethod
    def from_rows(
        cls,
        rows: Int[Tensor, " nnz"],
        features: Int[Tensor, " nnz"],
        values: Float[Tensor, " nnz"],
        row_count: int,
        width: int,
    ) -> SparseCodes:
        """From the row and feature of each value: rows must not decrease, values must be > 0."""
        return cls(features, values, row_offsets(rows, row_count), width)

    @classmethod
    def concatenate(cls, parts: list[SparseCodes], width: int) -> SparseCodes:
        """The rows of several codes, one after the other."""
        if not parts:
            nothing = torch.zeros(0, dtype=torch.int64)
            return cls(nothing, torch.zeros(0), torch.zeros(1, dtype=torch.int64), width)
        counts = torch.cat([part.offsets.diff() for part in parts])
        offsets = torch.zeros(len(counts) + 1, dtype=torch.int64, device=counts.device)
        offsets[1:] = counts.cumsum(0)
        features = torch.cat([part.features for part in parts])
        return cls(features, torch.cat([part.values for part in parts]), offsets, width)

    @classmethod
    def from_dense(cls, codes: Float[Tensor, "rows width"]) -> SparseCodes:
        """Keep the entries that are > 0."""
        rows, features = torch.nonzero(codes > 0, as_tuple=True)
        values = codes[rows, features].float()
        return cls.from_rows(rows, features, values, row_count=len(codes), width=codes.shape[1])


def row_offsets(rows: Int[Tensor, " nnz"], row_count: int) -> Int[Tensor, " rows_plus_one"]:
    """Where each row's entries begin, given the rows of entries in row order."""
    offsets = torch.zeros(row_count + 1, dtype=torch.int64, device=rows.device)
    offsets[1:] = torch.bincount(rows, minlength=row_count).cumsum(0)
    return offsets
