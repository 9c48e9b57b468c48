"""Sums of squares of a crossed table, accumulated from sparse codes: the table is never held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from assay.errors import AssayError

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


class CrossedSums:
    """What the analysis of variance of z[content, offset, filler] needs, by group of documents.

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


@dataclass(frozen=True)
class VarianceComponents:
    """Variance components of a fixed grid of offsets, [features]; never clipped at zero."""

    position: NDArray[np.float64]
    """σ²_pos, offset alone."""
    content: NDArray[np.float64]
    """σ²_ctx, content alone."""
    interaction: NDArray[np.float64]
    """σ²_int, content × offset."""
    filler: NDArray[np.float64]
    """σ²_f, what a filler does to all contents alike: context. 0 without fillers."""
    content_filler: NDArray[np.float64]
    """σ²_e, content × filler: context. 0 without fillers."""

    @property
    def sum_of_three(self) -> NDArray[np.float64]:
        """σ²_pos + σ²_ctx + σ²_int: the variance of the code averaged over fillers."""
        return self.position + self.content + self.interaction


def variance_components(sums: CrossedSums, keep: NDArray[np.bool_]) -> VarianceComponents:
    """Components from the groups of documents that ``keep`` marks; NaN with fewer than two rows.

    Offsets are fixed, contents and fillers are drawn at random; fillers are nested in offsets, so
    that what they add to the mean squares of offset and interaction is taken off again (the
    expected mean squares of Cornfield & Tukey 1956).
    """
    mask = torch.from_numpy(keep)
    c = float(sums.rows[mask].sum())
    if c < 2:
        nothing = np.full(sums.width, np.nan)
        return VarianceComponents(nothing, nothing, nothing, nothing, nothing)
    cells = sums.cells[mask].sum(0).numpy()
    rows, by_offset, squares = (
        part[mask].sum(0).numpy() for part in (sums.row_squares, sums.offset_squares, sums.squares)
    )
    k, r, width = cells.shape
    offset_totals = cells.sum(axis=1)
    correction = offset_totals.sum(axis=0) ** 2 / (c * k * r)
    offsets_about_zero = np.square(offset_totals).sum(axis=0) / (c * r)
    ss_content = rows / (k * r) - correction
    ss_position = offsets_about_zero - correction
    ss_interaction = by_offset / r - correction - ss_content - ss_position
    ms_content = ss_content / (c - 1)
    ms_position = ss_position / (k - 1)
    ms_interaction = ss_interaction / ((c - 1) * (k - 1))
    ms_filler = ms_error = np.zeros(width)
    if r > 1:
        ss_filler = np.square(cells).sum(axis=(0, 1)) / c - offsets_about_zero
        ms_filler = ss_filler / (k * (r - 1))
        ms_error = (squares - by_offset / r - ss_filler) / (k * (r - 1) * (c - 1))
    fixed = (k - 1) / k
    return VarianceComponents(
        position=fixed * (ms_position - ms_filler - ms_interaction + ms_error) / (c * r),
        content=(ms_content - ms_error) / (k * r),
        interaction=fixed * (ms_interaction - ms_error) / r,
        filler=(ms_filler - ms_error) / c,
        content_filler=ms_error,
    )


def filler_half_width(
    parts: VarianceComponents, offsets: int, fillers: int, confidence: float = 0.95
) -> NDArray[np.float64]:
    """How far the fillers that happened to be drawn may move σ²_pos, beyond what contents do.

    All documents share the fillers, so that leaving out documents says nothing about it. Among K
    offsets whose means vary by S², fillers of variance v = max(σ²_f, 0)/R on each mean leave an
    error of variance ((K − 1)/K)²·[2v²(1/(K − 1) + 1/(K(R − 1))) + 4S²v/(K − 1)]. The quantile is
    that of χ² with K − 1 degrees of freedom, which σ²_pos follows where position does nothing.
    """
    from scipy.stats import chi2

    if fillers < 2:
        return np.zeros_like(parts.position)
    k, degrees = offsets, offsets - 1
    v = np.maximum(parts.filler, 0.0) / fillers
    spread = np.maximum(parts.position, 0.0) * k / degrees
    variance = 2 * v**2 * (1 / degrees + 1 / (k * (fillers - 1))) + 4 * spread * v / degrees
    upper = chi2.ppf((1 + confidence) / 2, degrees)
    return np.asarray((upper - degrees) / np.sqrt(2 * degrees) * degrees / k * np.sqrt(variance))


def check_grid(offsets: int, fillers: int | None) -> None:
    """Raise AssayError for a grid that cannot tell position from content."""
    if offsets < 2:
        raise AssayError(
            f"{offsets} offset cannot show an effect of position; at least 2 are needed"
        )
    if fillers is not None and fillers < 2:
        raise AssayError(
            f"{fillers} filler cannot be told from position; at least 2 are needed, better 8, or "
            "a table without a filler axis where the treatment inserts no text"
        )
