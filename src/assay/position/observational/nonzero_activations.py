"""Nonzero activations as flat lists: document, row, position, feature and value of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from assay.dictionaries.codes import SparseCodes

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int
    from numpy.typing import NDArray
    from torch import Tensor


@dataclass(frozen=True)
class Entries:
    """Nonzero activations of some rows, in row order."""

    rows: Int[Tensor, " nnz"]
    """int64 row, counted within the batch."""
    documents: Int[Tensor, " nnz"]
    """int64 document, counted within the batch; equal to ``rows`` until documents are given."""
    positions: Int[Tensor, " nnz"]
    """int64 position in the crop."""
    features: Int[Tensor, " nnz"]
    """int64 feature."""
    values: Float[Tensor, " nnz"]
    """float64 activation, not zero."""
    width: int
    """Number of features, m."""

    @classmethod
    def from_codes(cls, codes: SparseCodes, length: int) -> Entries:
        """From codes whose rows are tokens, ``length`` of them a crop."""
        tokens = codes.rows.cpu()
        rows = tokens // length
        features, values = codes.features.cpu(), codes.values.cpu().double()
        return cls(
            rows=rows,
            documents=rows,
            positions=tokens - rows * length,
            features=features,
            values=values,
            width=codes.width,
        )

    @classmethod
    def from_dense(cls, activations: NDArray) -> Entries:
        """From ``activations[rows, length, width]``, of which zeros are dropped."""
        dense = torch.from_numpy(activations)
        rows, positions, features = torch.nonzero(dense, as_tuple=True)
        values = dense[rows, positions, features].double()
        return cls(
            rows=rows,
            documents=rows,
            positions=positions,
            features=features,
            values=values,
            width=activations.shape[2],
        )

    def of_rows(self, start: int, stop: int, length: int) -> Entries:
        """Those of rows start up to stop, counted from start."""
        low, high = torch.searchsorted(self.rows, torch.tensor([start, stop])).tolist()
        part = slice(low, high)
        rows = self.rows[part] - start
        return Entries(
            rows=rows,
            documents=rows,
            positions=self.positions[part],
            features=self.features[part],
            values=self.values[part],
            width=self.width,
        )

    def with_documents(self, document_of_row: Int[Tensor, " rows"]) -> Entries:
        """The same entries with each row's document."""
        return replace(self, documents=document_of_row[self.rows])

    def with_values(self, values: Float[Tensor, " nnz"]) -> Entries:
        """The same places with other values."""
        return replace(self, values=values)

    def where(self, mask: Bool[Tensor, " nnz"]) -> Entries:
        """Those that the mask keeps."""
        if bool(mask.all()):
            return self
        chosen = torch.nonzero(mask)[:, 0]
        return Entries(
            rows=self.rows.index_select(0, chosen),
            documents=self.documents.index_select(0, chosen),
            positions=self.positions.index_select(0, chosen),
            features=self.features.index_select(0, chosen),
            values=self.values.index_select(0, chosen),
            width=self.width,
        )

    def from_position(self, first: int) -> Entries:
        """Those at a position of at least ``first``."""
        return self if first == 0 else self.where(self.positions >= first)

    def summed_by_cell(self) -> Entries:
        """One entry for each document, position and feature: a document's rows added up."""
        if len(self.rows) == 0 or torch.equal(self.rows, self.documents):
            return self
        length = int(self.positions.max()) + 1
        keys = (self.documents * length + self.positions) * self.width + self.features
        cells, place = torch.unique(keys, return_inverse=True)
        values = torch.zeros(len(cells), dtype=torch.float64).scatter_add_(0, place, self.values)
        tokens = cells // self.width
        documents = tokens // length
        return Entries(
            rows=documents,
            documents=documents,
            positions=tokens - documents * length,
            features=cells - tokens * self.width,
            values=values,
            width=self.width,
        )
