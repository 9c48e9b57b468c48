"""Which features are well separated, on all data and without each group of documents or filler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from assay.position.crossed.pooled_sums import PooledSums
from assay.position.crossed.share_figures import share_figures
from assay.position.crossed.table_sums import CrossedSums
from assay.position.labels import MINIMUM_DOCUMENTS, SMALL

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Separation:
    """Whether each feature is content or position, anew on each part of the data."""

    frequent: NDArray[np.bool_]
    """[features] not too rare on all data; held fixed when parts of the data are left out."""
    on_all: NDArray[np.bool_]
    """[features] well separated on all data."""
    without_group: NDArray[np.bool_]
    """[groups, features] well separated without each group of documents."""
    without_filler: NDArray[np.bool_]
    """[fillers, features] without one filler of each offset; no rows where there are fewer than 3."""
    documents: int
    """Distinct documents among the contents."""


def separation_of(sums: CrossedSums) -> Separation:
    """Label every feature that is not too rare once more without each part of the data.

    Each label needs its own jackknife, so that G groups and R fillers cost (G + R)·G evaluations
    of the variance components, none of them a pass of the model.
    """
    frequent = sums.firing_documents.numpy() >= MINIMUM_DOCUMENTS

    def spread_out(labels: list[NDArray[np.bool_]]) -> NDArray[np.bool_]:
        """[parts, features] from the frequent features alone."""
        found = np.zeros((len(labels), sums.width), dtype=bool)
        if labels:
            found[:, frequent] = np.stack(labels)
        return found

    groups = sums.groups(frequent)
    without_group = [
        _well_separated(groups[:number] + groups[number + 1 :]) for number in range(len(groups))
    ]
    without_filler = [
        _well_separated(sums.groups(frequent, filler)) for filler in range(sums.left_out - 1)
    ]
    return Separation(
        frequent=frequent,
        on_all=spread_out([_well_separated(groups)])[0],
        without_group=spread_out(without_group if len(groups) > 2 else []),
        without_filler=spread_out(without_filler),
        documents=sums.documents,
    )


def _well_separated(groups: list[PooledSums]) -> NDArray[np.bool_]:
    """[features] content or position, by the rule of ``labels``."""
    figures, _ = share_figures(groups, ("t_pos", "s_pos"))
    return (figures["t_pos_high"] < SMALL) | (figures["s_pos_low"] > 1 - SMALL)
