"""Shares of variance with their intervals, from the sums of each group of documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from assay.position.crossed.pooled_sums import PooledSums, pooled
from assay.position.crossed.variance_components import (
    VarianceComponents,
    filler_half_width,
    variance_components,
)
from assay.position.share_intervals import (
    half_width,
    leave_one_out_spread,
    linear_interval,
    share_interval,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHARES = ("s_pos", "s_ctx", "s_int", "t_pos")
"""The causal figures, each with an interval."""


def share_figures(
    groups: list[PooledSums], names: Sequence[str] = SHARES
) -> tuple[dict[str, NDArray[np.float64]], VarianceComponents]:
    """({name, name_low, name_high: [features]}, the components) of the shares ``names``.

    Intervals are 95 %: delete-a-group jackknife, the degrees of freedom from how unequally the
    groups count, on a log-odds scale, and widened by how far the fillers that happened to be drawn
    may move σ²_pos. Their coverage is simulated in ``coverage_cases``.
    """
    total = pooled(groups)
    whole = variance_components(total)
    rest = [variance_components(total - group) for group in groups]
    varies, _ = linear_interval(np.stack([r.sum_of_three for r in rest]), whole.sum_of_three)
    by_context_alone = (whole.filler + whole.content_filler > 0) & ~(varies > 0)
    estimate, variance = _shares(whole, by_context_alone)
    without = [_shares(part, by_context_alone)[0] for part in rest]
    offsets, fillers = total.cells.shape[:2]
    by_fillers = filler_half_width(whole, offsets, fillers) / variance
    figures: dict[str, NDArray[np.float64]] = {}
    for name in names:
        share = estimate[name]
        error, degrees = leave_one_out_spread(np.stack([part[name] for part in without]))
        # What a unit of σ²_pos does to the share: it enters the whole, and position's own part.
        slope = (name in ("s_pos", "t_pos")) - share
        by_documents = half_width(error, degrees)
        low, high = share_interval(share, np.hypot(by_documents, slope * by_fillers))
        figures |= {name: share, f"{name}_low": low, f"{name}_high": high}
    return figures, whole


def _shares(
    parts: VarianceComponents, by_context_alone: NDArray[np.bool_]
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    """(the three shares and the total index, the whole that they are shares of)."""
    context = parts.filler + parts.content_filler
    content = parts.content + np.where(by_context_alone, context, 0.0)
    whole = parts.position + content + parts.interaction
    whole = np.where(whole > 0, whole, np.nan)
    s_pos, s_int = parts.position / whole, parts.interaction / whole
    return {"s_pos": s_pos, "s_ctx": content / whole, "s_int": s_int, "t_pos": s_pos + s_int}, whole
