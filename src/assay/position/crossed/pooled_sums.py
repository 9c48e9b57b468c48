"""Sums of a crossed table over some of its rows, from which variance components follow."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class PooledSums:
    """Sums of z[content, offset, filler] over content rows; arrays are float64, [features] last."""

    rows: float
    """Content rows."""
    squares: NDArray[np.float64]
    """[features] Σ z²."""
    row_squares: NDArray[np.float64]
    """[features] Σ over rows of the square of the row's sum."""
    offset_squares: NDArray[np.float64]
    """[features] Σ over rows and offsets of the square of the sum over fillers."""
    cells: NDArray[np.float64]
    """[offsets, fillers, features] Σ over rows."""

    def __add__(self, other: PooledSums) -> PooledSums:
        return PooledSums(
            rows=self.rows + other.rows,
            squares=self.squares + other.squares,
            row_squares=self.row_squares + other.row_squares,
            offset_squares=self.offset_squares + other.offset_squares,
            cells=self.cells + other.cells,
        )

    def __sub__(self, other: PooledSums) -> PooledSums:
        return PooledSums(
            rows=self.rows - other.rows,
            squares=self.squares - other.squares,
            row_squares=self.row_squares - other.row_squares,
            offset_squares=self.offset_squares - other.offset_squares,
            cells=self.cells - other.cells,
        )


def pooled(groups: list[PooledSums]) -> PooledSums:
    """The sums over all groups."""
    return reduce(PooledSums.__add__, groups)
