"""The observational audit: the share of each feature's variance that its token's position explains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from assay.errors import AssayError
from assay.position.observational.circular_shifts import pooled_p_values, position_sum_of_squares
from assay.position.observational.correlation_ratio import LevelVariance, level_variance, varying
from assay.position.observational.levels import FIRST_POSITION
from assay.position.observational.streaming_sums import PositionSums
from assay.position.result import Level
from assay.statistics.multiplicity import benjamini_hochberg

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class VarianceExplained:
    """Observational figures, one for each feature: arrays are [features] unless they say otherwise."""

    levels: dict[Level, LevelVariance]
    """``all`` positions, ``no_sink`` (without position 0 and massive tokens), ``no_first_8``."""
    level: Level
    """The level to which all the figures below refer."""
    firing_rate: NDArray[np.float64]
    """Share of tokens on which the feature fires (z > 0)."""
    firing_documents: NDArray[np.int64]
    """Documents in which it fires."""
    p: NDArray[np.float64]
    """Permutation p by circular shifts; NaN where it is active in fewer than two."""
    q: NDArray[np.float64]
    """Benjamini-Hochberg q of ``p``."""
    indicator: NDArray[np.float64]
    """Split-half η² of whether it fires; NaN where it fires always or never."""
    magnitude: NDArray[np.float64]
    """Split-half η² of the magnitude given firing; NaN means too rare: < 20 firings in a bin."""
    selectivity: NDArray[np.float64]
    """1 − H(bin | fires)/log 8, Miller-Madow corrected; NaN means too rare: < 20 firings."""
    documents: int
    """Number of documents."""
    rows: int
    """Number of crops."""
    length: int
    """Positions in a crop."""

    @property
    def eta2(self) -> NDArray[np.float64]:
        """η² over all positions."""
        return self.levels["all"].eta2

    @property
    def eta2_null(self) -> NDArray[np.float64]:
        """Expected η² by chance, over all positions."""
        return self.levels["all"].eta2_null

    @property
    def eta2_split_half(self) -> NDArray[np.float64]:
        """Split-half η² over all positions."""
        return self.levels["all"].eta2_split_half

    @property
    def ci(self) -> NDArray[np.float64]:
        """[features, 2] interval of ``eta2_split_half``."""
        return self.levels["all"].ci

    @property
    def epsilon2(self) -> NDArray[np.float64]:
        """ε² over all positions."""
        return self.levels["all"].epsilon2


def variance_explained(
    activations: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    permutations: int = 64,
    level: str = "all",
    jackknife_groups: int = 16,
    seed: int = 0,
) -> VarianceExplained:
    """Variance explained by position for ``activations[documents, positions, features]``.

    Any real values, numpy or torch; a feature fires where it is above zero. ``groups`` names the
    document of each row where documents have several crops. ``permutations`` random circular
    shifts are pooled over features (see ``circular_shifts``); 0 leaves p and q NaN. ``level`` is
    what p, q, the hurdle parts, the selectivity and the firing rate refer to.
    The same code as the streaming audit: raises AssayError for wrong shapes and for NaN.
    """
    dense = _as_array(activations)
    rows = len(dense)
    documents = np.arange(rows) if groups is None else np.asarray(groups)
    if documents.shape != (rows,):
        raise AssayError(f"groups has shape {documents.shape}; expected one document a row, {rows}")
    order = np.argsort(documents, kind="stable")
    sums = PositionSums(
        documents[order],
        dense.shape[2],
        dense.shape[1],
        jackknife_groups=jackknife_groups,
        permutations=permutations,
        level=level,
        seed=seed,
    )
    sums.add_dense(dense[order])
    return summarise(sums)


def summarise(sums: PositionSums) -> VarianceExplained:
    """Every observational figure from the streaming sums, once all crops were added."""
    if sums.rows_added != len(sums.documents):
        raise AssayError(
            f"{sums.rows_added} of {len(sums.documents)} crops were added; add them all first"
        )
    firing = sums.firing
    firing_documents = firing.documents.numpy().copy()
    p = _p_values(sums)
    return VarianceExplained(
        levels={level: level_variance(sums, level) for level in FIRST_POSITION},
        level=sums.level,
        firing_rate=firing.firing_rate,
        firing_documents=firing_documents,
        p=p,
        q=benjamini_hochberg(p),
        indicator=firing.indicator(),
        magnitude=firing.magnitude(),
        selectivity=firing.selectivity(),
        documents=sums.document_count,
        rows=sums.rows_added,
        length=sums.length,
    )


def _p_values(sums: PositionSums) -> NDArray[np.float64]:
    by_group, counts = sums.totals.of_level(sums.level)
    total, count = by_group.sum(axis=0), counts.sum(axis=0)
    if sums.shifts.permutations == 0 or count.sum() == 0:
        return np.full(sums.width, np.nan)
    mean = total.sum(axis=0) / count.sum()
    observed = position_sum_of_squares(total, count, mean)
    observed[~varying(sums, sums.level)] = np.nan
    return pooled_p_values(
        observed, sums.shifts.statistics(mean), sums.shifts.active_documents.numpy()
    )


def _as_array(activations: ArrayLike) -> NDArray:
    if hasattr(activations, "detach"):
        tensor = activations.detach().cpu()
        activations = (tensor if str(tensor.dtype) == "torch.float64" else tensor.float()).numpy()
    dense = np.asarray(activations)
    if dense.dtype != np.float64:
        dense = dense.astype(np.float32)
    if dense.ndim != 3 or 0 in dense.shape:
        raise AssayError(
            f"activations have shape {list(dense.shape)}; expected [documents, positions, features]"
        )
    if not np.isfinite(dense).all():
        bad = np.argwhere(~np.isfinite(dense))[0].tolist()
        raise AssayError(
            f"activations are NaN or infinite, first at [document, position, feature] {bad}; "
            "only finite values can be audited"
        )
    return dense
