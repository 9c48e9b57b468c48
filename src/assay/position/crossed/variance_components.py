"""Variance components of a crossed table: position, content, their interaction, and filler text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from assay.position.crossed.pooled_sums import PooledSums

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
    """σ²_f, the effect of a filler that all contents share: context. 0 without fillers."""
    content_filler: NDArray[np.float64]
    """σ²_e, content × filler: context. 0 without fillers."""

    @property
    def sum_of_three(self) -> NDArray[np.float64]:
        """σ²_pos + σ²_ctx + σ²_int: the variance of the code averaged over fillers."""
        return self.position + self.content + self.interaction


def variance_components(sums: PooledSums) -> VarianceComponents:
    """Components from sums over content rows; NaN with fewer than two rows.

    Offsets are fixed, contents and fillers are drawn at random; fillers are nested in offsets, so
    that what they add to the mean squares of offset and interaction is taken off again (the
    expected mean squares of Cornfield & Tukey 1956).
    """
    c, cells = sums.rows, sums.cells
    if c < 2:
        nothing = np.full(len(sums.squares), np.nan)
        return VarianceComponents(
            position=nothing,
            content=nothing,
            interaction=nothing,
            filler=nothing,
            content_filler=nothing,
        )
    rows, by_offset, squares = sums.row_squares, sums.offset_squares, sums.squares
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
