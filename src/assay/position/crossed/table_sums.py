"""Sums of squares of a crossed table, accumulated from sparse codes: the table is never in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from assay.position.crossed.pooled_sums import PooledSums

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from numpy.typing import NDArray
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

    For G groups of documents, K offsets, R fillers and m features: 8·G·m·(K·R + 3·(1 + R)) bytes,
    60 MB at G = 32, K = 3, R = 8, m = 4608, however many contents there are. Beside the sums over
    all fillers stand those without each one (index 1 + r), for the jackknife over fillers.
    """

    def __init__(self, groups: int, offsets: int, fillers: int, width: int) -> None:
        self.offsets, self.fillers, self.width = offsets, fillers, width
        self.left_out = 1 + (fillers if fillers > 2 else 0)
        self.rows = torch.zeros(groups, dtype=torch.float64)
        self.squares, self.row_squares, self.offset_squares = (
            torch.zeros(self.left_out, groups, width, dtype=torch.float64) for _ in range(3)
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
        owners, place = torch.unique(entries.rows * width + entries.features, return_inverse=True)
        table = torch.zeros(len(owners), self.offsets, self.fillers, dtype=torch.float64)
        where = (place * self.offsets + entries.offsets) * self.fillers + entries.fillers
        table.view(-1).scatter_add_(0, where, entries.values)
        self._add_squares(table, group_of_row[owners // width] * width + owners % width)
        fires = torch.zeros(documents, width, dtype=torch.bool)
        firing = entries.values > 0
        fires[document_of_row[entries.rows[firing]], entries.features[firing]] = True
        self.firing_documents += fires.sum(0)

    def groups(
        self, features: NDArray[np.bool_] | None = None, without_filler: int | None = None
    ) -> list[PooledSums]:
        """Each group's sums, of the ``features`` that are marked, without one filler where named."""
        chosen = slice(None) if features is None else torch.from_numpy(features)
        kept = [r for r in range(self.fillers) if r != without_filler]
        which = 0 if without_filler is None else 1 + without_filler
        cells = self.cells if without_filler is None else self.cells[:, :, kept]
        return [
            PooledSums(
                rows=float(self.rows[group]),
                squares=self.squares[which, group, chosen].numpy(),
                row_squares=self.row_squares[which, group, chosen].numpy(),
                offset_squares=self.offset_squares[which, group, chosen].numpy(),
                cells=cells[group][..., chosen].numpy(),
            )
            for group in range(len(self.rows))
        ]

    def _add_squares(
        self, table: Float[Tensor, "owners offsets fillers"], place: Int[Tensor, " owners"]
    ) -> None:
        """Add the squares of rows of the table; ``place`` is group · width + feature of each."""
        by_offset = table.sum(2)
        self._add_to(0, place, table.square().sum((1, 2)), by_offset)
        for filler in range(self.left_out - 1):
            one = table[:, :, filler]
            squares = table.square().sum((1, 2)) - one.square().sum(1)
            self._add_to(1 + filler, place, squares, by_offset - one)

    def _add_to(
        self,
        which: int,
        place: Int[Tensor, " owners"],
        squares: Float[Tensor, " owners"],
        by_offset: Float[Tensor, "owners offsets"],
    ) -> None:
        self.squares[which].view(-1).scatter_add_(0, place, squares)
        self.offset_squares[which].view(-1).scatter_add_(0, place, by_offset.square().sum(1))
        self.row_squares[which].view(-1).scatter_add_(0, place, by_offset.sum(1).square())
