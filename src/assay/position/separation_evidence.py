"""The headline figures of a position audit as records of evidence."""

from __future__ import annotations

from collections.abc import Mapping

from assay.evidence import Evidence
from assay.position.result import PositionResult

SEPARATED_FEATURES = "well-separated features"
"""Metric: share of the features that are content or position, of those that are not too rare."""
SEPARATED_ACTIVATION = "well-separated share of activation"
"""Metric: share of the decoder-norm-weighted activation that well-separated features carry."""


def position_evidence(
    result: PositionResult, inputs: Mapping[str, str], split: str
) -> list[Evidence]:
    """The summary's figures as records; none where the crossed design was not run.

    ``inputs`` maps model, dictionary and text to their sha256; ``split`` says which data was read.
    """
    summary, treatment = result.summary, result.treatment
    if treatment is None or summary.well_separated is None or summary.not_too_rare is None:
        return []
    records = [
        Evidence(
            metric=SEPARATED_FEATURES,
            estimate=summary.well_separated,
            ci=summary.well_separated_ci,
            method="Clopper-Pearson over features, each taken as labelled",
            n=summary.not_too_rare,
            unit="features",
            split=split,
            seed=result.seed,
            inputs=dict(inputs),
            note=f"Content or position, of those in ≥ 20 of {treatment.documents} documents.",
        )
    ]
    if summary.well_separated_weighted is not None:
        records.append(
            Evidence(
                metric=SEPARATED_ACTIVATION,
                estimate=summary.well_separated_weighted,
                ci=summary.well_separated_weighted_ci,
                method="delete-a-group jackknife over documents, labels held fixed",
                n=result.documents,
                unit="documents",
                split=split,
                seed=result.seed,
                inputs=dict(inputs),
                note="Weighted by decoder norm.",
            )
        )
    return records
