"""Sums of squares by document: what the split-half figure needs beyond the plain ratio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from assay.position.observational.nonzero_activations import Entries

if TYPE_CHECKING:
    from jaxtyping import Bool, Int
    from numpy.typing import NDArray
    from torch import Tensor


@dataclass(frozen=True)
class DocumentPairs:
    """Sums over documents d of one set of groups; S is a sum of values and n a count of tokens.

    Arrays are [features]. When these are subtracted from a square of sums, only products of two
    different documents remain; the split-half figure averages those products.
    """

    squares: NDArray[np.float64]
    """Σ z² over tokens."""
    cell_squares: NDArray[np.float64]
    """Σ_d Σ_t S_dt²."""
    cell_products: NDArray[np.float64]
    """Σ_d Σ_t S_dt n_dt."""
    cell_counts: float
    """Σ_d Σ_t n_dt²."""
    document_squares: NDArray[np.float64]
    """Σ_d S_d²."""
    document_products: NDArray[np.float64]
    """Σ_d S_d n_d."""
    document_counts: float
    """Σ_d n_d²."""


class PairSums:
    """``DocumentPairs`` for each jackknife group, accumulated in one pass: [groups, features]."""

    def __init__(self, groups: int, length: int, width: int) -> None:
        self.length, self.width = length, width
        self.squares, self.cell_squares, self.cell_products = (
            torch.zeros(groups, width, dtype=torch.float64) for _ in range(3)
        )
        self.document_squares, self.document_products = (
            torch.zeros(groups, width, dtype=torch.float64) for _ in range(2)
        )
        self.cell_counts = torch.zeros(groups, dtype=torch.float64)
        self.document_counts = torch.zeros(groups, dtype=torch.float64)

    def add(
        self,
        cells: Entries,
        squares: Entries,
        *,
        used: Bool[Tensor, "rows length"],
        document_of_row: Int[Tensor, " rows"],
        groups: Int[Tensor, " documents"],
    ) -> None:
        """Add whole documents: ``cells`` summed by document and position, ``squares`` by token.

        ``used`` marks the tokens that count; ``groups`` is each document's jackknife group.
        """
        counts = torch.zeros(len(groups), self.length, dtype=torch.float64)
        counts.index_add_(0, document_of_row, used.double())
        sums = torch.zeros(len(groups), self.width, dtype=torch.float64)
        place = cells.documents * self.width + cells.features
        sums.view(-1).scatter_add_(0, place, cells.values)

        def by_group(into: Tensor, entries: Entries, values: Tensor) -> None:
            place = groups[entries.documents] * self.width + entries.features
            into.view(-1).scatter_add_(0, place, values)

        here = counts[cells.documents, cells.positions]
        by_group(self.squares, squares, squares.values.square())
        by_group(self.cell_squares, cells, cells.values.square())
        by_group(self.cell_products, cells, cells.values * here)
        self.cell_counts.index_add_(0, groups, counts.square().sum(1))
        self.document_squares.index_add_(0, groups, sums.square())
        size = counts.sum(1)
        self.document_products.index_add_(0, groups, sums * size[:, None])
        self.document_counts.index_add_(0, groups, size.square())

    def of_groups(self, keep: NDArray[np.bool_]) -> DocumentPairs:
        """The sums over the groups that ``keep`` marks."""
        mask = torch.from_numpy(keep)

        def arrays(values: Tensor) -> NDArray[np.float64]:
            return values[mask].sum(0).numpy()

        return DocumentPairs(
            squares=arrays(self.squares),
            cell_squares=arrays(self.cell_squares),
            cell_products=arrays(self.cell_products),
            cell_counts=float(self.cell_counts[mask].sum()),
            document_squares=arrays(self.document_squares),
            document_products=arrays(self.document_products),
            document_counts=float(self.document_counts[mask].sum()),
        )
