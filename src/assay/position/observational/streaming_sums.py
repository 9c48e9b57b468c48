"""One pass over sparse codes: the sums from which every observational figure follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from assay.dictionaries.codes import SparseCodes
from assay.errors import AssayError
from assay.position.document_batches import whole_document_batches
from assay.position.observational.cell_totals import CellTotals
from assay.position.observational.circular_shifts import ShiftSums
from assay.position.observational.document_pairs import PairSums
from assay.position.observational.firing_sums import FiringSums
from assay.position.observational.levels import FIRST_POSITION, check_level
from assay.position.observational.nonzero_activations import Entries
from assay.randomness import numpy_generator
from assay.statistics.jackknife import assign_groups

if TYPE_CHECKING:
    from jaxtyping import Bool
    from numpy.typing import ArrayLike, NDArray
    from torch import Tensor

ROWS_AT_ONCE = 16
"""Rows whose entries are held at a time, unless one document has more."""


class PositionSums:
    """Sums over documents, one set for each jackknife group, from which every figure follows.

    With G groups, T positions and m features: Σz in float64 by group, position and feature (8·G·T·m
    bytes: 75 MB at G = 16, T = 128, m = 4608), the sums of each circularly shifted replicate in
    float32 (4·P·T·m bytes: 151 MB at P = 64), firings by position in float32 (4·T·m), and a few
    arrays of G·m. Memory does not grow with the number of tokens. Sums are float64, because a
    variance is the difference of sums that may be large; replicates are float32, because their
    comparison with the data allows for rounding.
    """

    def __init__(
        self,
        documents: ArrayLike,
        width: int,
        length: int,
        *,
        jackknife_groups: int = 16,
        permutations: int = 64,
        level: str = "all",
        seed: int = 0,
    ) -> None:
        """Sums for crops whose documents are ``documents[rows]``, rows of one document adjacent.

        ``width`` features, ``length`` positions a row. ``level`` is the level to which the
        permutation p, the hurdle parts, the selectivity and the firing rate refer.
        Raises AssayError where a document's rows are not adjacent or a size is impossible.
        """
        self.documents = np.asarray(documents)
        _check_sizes(self.documents, width, length, permutations)
        self.width, self.length, self.level = width, length, check_level(level)
        dealing = numpy_generator(seed, "position/jackknife groups")
        self.group_of_row = assign_groups(self.documents, jackknife_groups, dealing)
        self.groups = int(self.group_of_row.max()) + 1
        self.rows_added = 0
        self.totals = CellTotals(self.groups, length, width)
        self.pairs = {name: PairSums(self.groups, length, width) for name in FIRST_POSITION}
        self.firing = FiringSums(length, width)
        first = FIRST_POSITION[self.level]
        self.shifts = ShiftSums(
            max(length - first, 0), first, width=width, permutations=permutations, seed=seed
        )

    @property
    def document_count(self) -> int:
        """Number of distinct documents added so far."""
        return len(np.unique(self.documents[: self.rows_added]))

    def add(
        self, codes: SparseCodes, massive: Bool[Tensor, " rows_times_length"] | None = None
    ) -> None:
        """Add the codes of the next whole documents, row-major: token t of crop c is codes row
        c·length + t. ``massive`` marks tokens that all levels but ``all`` leave out.

        Raises AssayError where the codes do not fit, or end within a document.
        """
        first, rows = self.rows_added, len(codes) // self.length
        self._check_codes(codes, rows)
        if massive is None:
            massive = torch.zeros(rows * self.length, dtype=torch.bool)
        entries = Entries.from_codes(codes, self.length)
        self._add_rows(entries, massive.cpu().view(rows, self.length), first, rows)

    def add_dense(self, activations: NDArray) -> None:
        """Add the next whole documents from ``activations[rows, length, width]``, any real values."""
        entries = Entries.from_dense(activations)
        massive = torch.zeros(activations.shape[:2], dtype=torch.bool)
        self._add_rows(entries, massive, self.rows_added, len(activations))

    def _add_rows(
        self, entries: Entries, massive: Bool[Tensor, "rows length"], first: int, rows: int
    ) -> None:
        documents = self.documents[first : first + rows]
        for start, stop in whole_document_batches(documents, ROWS_AT_ONCE):
            part = entries.of_rows(start, stop, self.length)
            self._add_batch(part, massive[start:stop], slice(first + start, first + stop))
        self.rows_added = first + rows

    def _add_batch(
        self, entries: Entries, massive: Bool[Tensor, "rows length"], where: slice
    ) -> None:
        names, local = np.unique(self.documents[where], return_inverse=True)
        document_of_row = torch.from_numpy(local)
        row_groups = torch.from_numpy(self.group_of_row[where])
        groups = torch.zeros(len(names), dtype=torch.int64)
        groups[document_of_row] = row_groups
        entries = entries.with_documents(document_of_row)
        # Most first tokens are massive, and a level of its own leaves position 0 out; so here only
        # massive tokens after position 0 count.
        massive = massive.clone()
        massive[:, 0] = False
        out = massive[entries.rows, entries.positions]
        self.totals.add(entries, out, massive, row_groups)
        kept = entries.where(~out)
        all_cells = entries.summed_by_cell()
        kept_cells = all_cells if kept is entries else kept.summed_by_cell()
        for level, first in FIRST_POSITION.items():
            every = level == "all"
            used = torch.ones_like(massive) if every else ~massive
            used[:, :first] = False
            tokens = (entries if every else kept).from_position(first)
            cells = (all_cells if every else kept_cells).from_position(first)
            self.pairs[level].add(
                cells, tokens, used=used, document_of_row=document_of_row, groups=groups
            )
            if level == self.level:
                self.firing.add(tokens, used, document_of_row)
                self.shifts.add(tokens, used, document_of_row, names)

    def _check_codes(self, codes: SparseCodes, rows: int) -> None:
        if codes.width != self.width or len(codes) != rows * self.length:
            raise AssayError(
                f"codes of {len(codes)} tokens and {codes.width} features do not fit; expected "
                f"whole crops of {self.length} tokens and {self.width} features"
            )
        end = self.rows_added + rows
        if end > len(self.documents):
            raise AssayError(f"{end} crops were added to sums for {len(self.documents)} crops")
        if rows and end < len(self.documents) and self.documents[end - 1] == self.documents[end]:
            raise AssayError(
                f"crop {end} belongs to the same document as the one before it; add all crops of "
                "a document in one call"
            )


def _check_sizes(documents: NDArray, width: int, length: int, permutations: int) -> None:
    if documents.ndim != 1 or len(documents) == 0:
        raise AssayError("the position audit needs at least one crop, with one document id each")
    changes = int((documents[1:] != documents[:-1]).sum())
    if changes + 1 != len(np.unique(documents)):
        raise AssayError("the crops of a document must be adjacent; sort the crops by document")
    if width < 1 or length < 2:
        raise AssayError(
            f"{width} features on crops of {length} tokens: at least 1 and 2 are needed"
        )
    if permutations < 0:
        raise AssayError(f"permutations = {permutations}; it counts random shifts, 0 or more")
