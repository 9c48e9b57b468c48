"""The position audit in memory: numpy arrays, and the typed result that is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from assay.frames import DataFrame
from assay.position.crossed.causal_audit import CausalAudit
from assay.position.observational.estimates import VarianceExplained
from assay.position.result import (
    LabelSummary,
    PositionResult,
    RandomDictionaryFigures,
    TokensAtLevels,
)
from assay.position.result_figures import (
    feature_figures,
    figures_beside_labels,
    number,
    offset_figures,
    random_dictionary_figures,
    sink_distance_figures,
    summary_figures,
    treatment_figures,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class PositionAudit:
    """A position audit, with figures that are not rounded."""

    model: str | None
    """Name of the model, or None for activations that a user supplied."""
    site: str | None
    """Name of the site, or None."""
    dictionary: str | None
    """Name of the dictionary, or None."""
    observational: VarianceExplained
    """Figures of one pass over random crops."""
    causal: CausalAudit | None
    """The crossed design, on which the labels rest; None where it was not run."""
    label_reason: str | None
    """Why there are no labels, or None where there are."""
    summary: LabelSummary | None
    """Labels over the dictionary; None without labels."""
    by_head: dict[int, LabelSummary] | None
    """Labels over each attention head; None without labels, or where the site has no heads."""
    random_dictionary: RandomDictionaryFigures | None
    """What random dictionaries reach on the same activations; None without labels."""
    heads: NDArray[np.int64] | None
    """[features] the head to which each feature belongs; None where the site has no heads."""
    left_out: str
    """Which tokens the levels ``no_sink`` and ``no_first_8`` leave out, in words."""
    left_out_rate: float | None
    """Share of tokens that ``no_sink`` leaves out."""
    first_token: int | None
    """The constant token at position 0, or None."""
    seed: int
    """Seed of every random draw."""

    def result(self) -> PositionResult:
        """The content of position.json: figures rounded to six significant digits, NaN as None."""
        found, causal = self.observational, self.causal
        width = len(found.firing_rate)
        distance = None if causal is None else causal.sink_distance
        return PositionResult(
            model=self.model,
            site=self.site,
            dictionary=self.dictionary,
            documents=found.documents,
            rows=found.rows,
            length=found.length,
            seed=self.seed,
            first_token=self.first_token,
            left_out=self.left_out,
            left_out_rate=number(self.left_out_rate),
            level=found.level,
            tokens=TokensAtLevels(**{name: level.tokens for name, level in found.levels.items()}),
            summary=summary_figures(self.summary, self.by_head, width),
            label_reason=self.label_reason,
            treatment=None if causal is None else treatment_figures(causal),
            random_dictionary=None
            if self.random_dictionary is None
            else random_dictionary_figures(self.random_dictionary),
            noise_floor=None if causal is None else number(causal.noise_floor),
            sink_distance=None if distance is None else sink_distance_figures(distance),
            cross_entropy_by_offset=None
            if causal is None
            else tuple(offset_figures(check) for check in causal.checks),
            guard=None if causal is None else causal.guard,
            beside=() if causal is None else figures_beside_labels(found, causal),
            features=tuple(
                feature_figures(feature, found, causal, self.heads) for feature in range(width)
            ),
        )

    def to_frame(self) -> DataFrame:
        """The features as a pandas table: ``result().to_frame()``. Raises AssayError without pandas."""
        return self.result().to_frame()

    def _repr_html_(self) -> str | None:
        return self.result()._repr_html_()
