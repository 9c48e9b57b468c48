"""Sums and counts for each jackknife group, position and feature."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from assay.position.observational.levels import FIRST_POSITION
from assay.position.observational.nonzero_activations import Entries
from assay.position.result import Level

if TYPE_CHECKING:
    from jaxtyping import Bool, Int
    from numpy.typing import NDArray
    from torch import Tensor


class CellTotals:
    """Σz and token counts by group, position and feature; massive tokens are kept apart.

    Massive tokens after position 0 occur at few positions, so their sums are kept only for the
    positions at which one was seen.
    """

    def __init__(self, groups: int, length: int, width: int) -> None:
        self.groups, self.length, self.width = groups, length, width
        self.total = torch.zeros(groups, length, width, dtype=torch.float64)
        self.count = torch.zeros(groups, length, dtype=torch.float64)
        self.massive_total: dict[int, Tensor] = {}
        self.massive_count = torch.zeros(groups, length, dtype=torch.float64)

    def add(
        self,
        entries: Entries,
        out: Bool[Tensor, " nnz"],
        massive: Bool[Tensor, "rows length"],
        group_of_row: Int[Tensor, " rows"],
    ) -> None:
        """Add entries; ``out`` says which are of massive tokens, ``massive`` which tokens are."""
        self.count.index_add_(0, group_of_row, (~massive).double())
        kept = entries.where(~out)
        cell = (group_of_row[kept.rows] * self.length + kept.positions) * self.width
        self.total.view(-1).scatter_add_(0, cell + kept.features, kept.values)
        if not bool(massive.any()):
            return
        self.massive_count.index_add_(0, group_of_row, massive.double())
        for position in torch.unique(torch.nonzero(massive)[:, 1]).tolist():
            here = entries.where(out & (entries.positions == position))
            empty = torch.zeros(self.groups, self.width, dtype=torch.float64)
            sums = self.massive_total.setdefault(position, empty)
            cell = group_of_row[here.rows] * self.width + here.features
            sums.view(-1).scatter_add_(0, cell, here.values)

    def of_level(self, level: Level) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(Σz [groups, positions, features], tokens [groups, positions]) of a level's tokens."""
        first = FIRST_POSITION[level]
        if level != "all" or not self.massive_total:
            return self.total[:, first:].numpy(), self.count[:, first:].numpy()
        total = self.total.clone()
        for position, sums in self.massive_total.items():
            total[:, position] += sums
        return total.numpy(), (self.count + self.massive_count).numpy()
