"""Sums of squares of a crossed table, accumulated from sparse codes: the table is never in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor


@dataclass(frozen=True)
class CellEntries:
    """Nonzero cells of a table: flat lists of (content row, offset, filler, feature, value)."""

    rows: Int[Tensor, " nnz"]
    """int64 content row, counted within the batch."""
    offsets: Int[Tensor, " nnz"]
    """int64 index of the offset δ."""
    fillers: Int[Tensor, " nnz"]
    """int64 index of the filler; 0 where the design has none."""
    features: Int[Tensor, " nnz"]
    """int64 feature."""
    values: Float[Tensor, " nnz"]
    """float64 activation, not zero."""

    @classmethod
    def joined(cls, parts: list[CellEntries]) -> CellEntries:
        """One list of all parts."""
        return cls(
            rows=torch.cat([part.rows for part in parts]),
            offsets=torch.cat([part.offsets for part in parts]),
            fillers=torch.cat([part.fillers for part in parts]),
            features=torch.cat([part.features for part in parts]),
            values=torch.cat([part.values for part in parts]),
        )


class CrossedSums:
    """Sums for the analysis of variance of z[content, offset, filler], by group of documents.

    For G groups of documents, K offsets, R fillers and m features: 8·G·m·(K·R + 3) bytes,
    32 MB at G = 32, K = 3, R = 8, m = 4608, however many contents there are.
    """

    def __init__(self, groups: int, offsets: int, fillers: int, width: int) -> None:
        self.offsets, self.fillers, self.width = offsets, fillers, width
        self.rows = torch.zeros(groups, dtype=torch.float64)
        self.squares, self.row_squares, self.offset_squares = (
            torch.zeros(groups, width, dtype=torch.float64) for _ in range(3)
        )
        self.cells = torch.zeros(groups, offsets, fillers, width, dtype=torch.float64)
        self.firing_documents = torch.zeros(width, dtype=torch.int64)
        self.documents = 0

    def add(
        self,
        entries: CellEntries,
        document_of_row: Int[Tensor, " rows"],
        group_of_document: Int[Tensor, " documents"],
    ) -> None:
        """Add whole documents: all rows of each, and all cells of each row.

        ``document_of_row`` counts documents within the batch, from 0, none without a row.
        """
        documents, width = len(group_of_document), self.width
        self.documents += documents
        group_of_row = group_of_document[document_of_row]
        self.rows.index_add_(0, group_of_row, torch.ones(len(group_of_row), dtype=torch.float64))
        groups = group_of_row[entries.rows]
        cell = (groups * self.offsets + entries.offsets) * self.fillers + entries.fillers
        self.cells.view(-1).scatter_add_(0, cell * width + entries.features, entries.values)
        self._add_squares(self.squares, groups, entries.features, entries.values)
        place = (entries.rows * width + entries.features) * self.offsets + entries.offsets
        places, sums = _summed(place, entries.values)
        owner = places // self.offsets
        self._add_squares(self.offset_squares, group_of_row[owner // width], owner % width, sums)
        owners, sums = _summed(owner, sums)
        self._add_squares(self.row_squares, group_of_row[owners // width], owners % width, sums)
        fires = torch.zeros(documents, width, dtype=torch.bool)
        firing = entries.values > 0
        fires[document_of_row[entries.rows[firing]], entries.features[firing]] = True
        self.firing_documents += fires.sum(0)

    def _add_squares(self, into: Tensor, groups: Tensor, features: Tensor, values: Tensor) -> None:
        into.view(-1).scatter_add_(0, groups * self.width + features, values.square())


def _summed(keys: Int[Tensor, " n"], values: Float[Tensor, " n"]) -> tuple[Tensor, Tensor]:
    """(distinct keys in order, the sum of each one's values)."""
    distinct, place = torch.unique(keys, return_inverse=True)
    sums = torch.zeros(len(distinct), dtype=torch.float64)
    return distinct, sums.scatter_add_(0, place, values)
