"""Causal shares of each feature's variance: position, content, and their interaction."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import torch

from assay.errors import AssayError
from assay.position.crossed.share_figures import SHARES, share_figures
from assay.position.crossed.table_sums import CellEntries, CrossedSums
from assay.position.labels import MINIMUM_DOCUMENTS, SMALL, label_features
from assay.position.result import Label
from assay.randomness import numpy_generator
from assay.statistics.jackknife import assign_groups

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class CrossedShares:
    """One value for each feature, arrays [features].

    Intervals are 95 %: jackknife over groups of documents on a log-odds scale, widened by how far
    the fillers that happened to be drawn may move σ²_pos (see ``share_figures``). Some features vary
    with the filler text, while the rest of their variance cannot be told from zero. They vary with
    their context alone, and their filler variance, which is context, counts towards ``s_ctx``.
    """

    s_pos: NDArray[np.float64]
    """Share of position alone."""
    s_pos_low: NDArray[np.float64]
    """Lower end of its interval."""
    s_pos_high: NDArray[np.float64]
    """Upper end of its interval."""
    s_ctx: NDArray[np.float64]
    """Share of content alone."""
    s_ctx_low: NDArray[np.float64]
    """Lower end of its interval."""
    s_ctx_high: NDArray[np.float64]
    """Upper end of its interval."""
    s_int: NDArray[np.float64]
    """Share of the interaction of position and content."""
    s_int_low: NDArray[np.float64]
    """Lower end of its interval."""
    s_int_high: NDArray[np.float64]
    """Upper end of its interval."""
    t_pos: NDArray[np.float64]
    """Total index of position, S_pos + S_int (after Saltelli et al. 2008)."""
    t_pos_low: NDArray[np.float64]
    """Lower end of its interval."""
    t_pos_high: NDArray[np.float64]
    """Upper end of its interval."""
    filler_share: NDArray[np.float64]
    """Share of all variance that goes with the filler text; NaN where the design has none."""
    firing_documents: NDArray[np.int64]
    """Documents in which the feature fires (z > 0) in at least one cell."""
    contents: int
    """Rows of the table."""
    documents: int
    """Distinct documents among them."""

    @property
    def frequent(self) -> NDArray[np.bool_]:
        """[features] whether each feature fires in enough documents to be labelled."""
        return self.firing_documents >= MINIMUM_DOCUMENTS

    @property
    def interaction_rate(self) -> float | None:
        """Share of the frequent features with S_int ≥ .05; None where there are none."""
        s_int = self.s_int[self.frequent]
        return float((s_int >= SMALL).mean()) if len(s_int) else None

    def labels(self) -> list[Label]:
        """The label of each feature, by its intervals (see ``labels.LABELS``)."""
        return label_features(
            self.firing_documents,
            t_pos_high=self.t_pos_high,
            s_pos_low=self.s_pos_low,
            s_ctx_low=self.s_ctx_low,
            s_int_low=self.s_int_low,
            s_int_high=self.s_int_high,
        )

    def of(self, feature: int) -> dict[str, float]:
        """One feature's shares and intervals, by name."""
        names = [field.name for field in fields(self) if field.name.startswith(SHARES)]
        return {name: float(getattr(self, name)[feature]) for name in names}


def crossed_shares(
    table: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    jackknife_groups: int = 32,
    seed: int = 0,
) -> CrossedShares:
    """Causal shares from ``table[contents, offsets, features]``, the same contents at each offset.

    ``table[contents, offsets, fillers, features]`` where the treatment inserts filler text: the same
    fillers for every content, other fillers at every offset, and no offset of zero. ``groups`` names
    the document of each content (each its own by default); documents are dealt into
    ``jackknife_groups`` groups. Any real values, numpy or torch; a feature fires where it is above
    zero. Raises AssayError for wrong shapes, fewer than two contents or offsets, and NaN.
    """
    dense = _as_table(table)
    contents, offsets, fillers, width = dense.shape
    documents = np.arange(contents) if groups is None else np.asarray(groups)
    if documents.shape != (contents,):
        raise AssayError(
            f"groups has shape {documents.shape}; expected one document a content, {contents}"
        )
    dealing = numpy_generator(seed, "position/jackknife groups")
    group_of_row = assign_groups(documents, jackknife_groups, dealing)
    sums = CrossedSums(int(group_of_row.max()) + 1, offsets, fillers, width)
    for document in np.unique(documents):
        rows = np.flatnonzero(documents == document)
        part = torch.from_numpy(dense[rows])
        places = torch.nonzero(part, as_tuple=True)
        row, offset, filler, feature = places
        group = torch.tensor([int(group_of_row[rows[0]])])
        one_document = torch.zeros(len(rows), dtype=torch.int64)
        entries = CellEntries(
            rows=row, offsets=offset, fillers=filler, features=feature, values=part[places]
        )
        sums.add(entries, one_document, group)
    return shares_of(sums)


def shares_of(sums: CrossedSums) -> CrossedShares:
    """Shares and intervals from the streaming sums."""
    figures, whole = share_figures(sums.groups())
    context = whole.filler + whole.content_filler
    everything = whole.sum_of_three + context
    with np.errstate(invalid="ignore", divide="ignore"):
        filler_share = np.where(everything > 0, context / everything, np.nan)
    return CrossedShares(
        **figures,
        filler_share=filler_share if sums.fillers > 1 else np.full(sums.width, np.nan),
        firing_documents=sums.firing_documents.numpy().copy(),
        contents=int(sums.rows.sum()),
        documents=sums.documents,
    )


def _as_table(table: ArrayLike) -> NDArray[np.float64]:
    """float64 [contents, offsets, fillers, features], one filler where the table has no axis."""
    if hasattr(table, "detach"):
        table = table.detach().cpu().double().numpy()
    dense = np.asarray(table, dtype=np.float64)
    if dense.ndim not in (3, 4) or 0 in dense.shape:
        raise AssayError(
            f"the table has shape {list(dense.shape)}; expected [contents, offsets, features] or "
            "[contents, offsets, fillers, features]"
        )
    check_grid(dense.shape[1], dense.shape[2] if dense.ndim == 4 else None)
    if len(dense) < 2:
        raise AssayError("the table has one content; at least 2 are needed")
    if not np.isfinite(dense).all():
        bad = np.argwhere(~np.isfinite(dense))[0].tolist()
        raise AssayError(
            f"the table is NaN or infinite, first at index {bad}; expected real values"
        )
    return dense[:, :, None] if dense.ndim == 3 else dense


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
