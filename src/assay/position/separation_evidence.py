"""The headline figures of a position audit as records of evidence."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from assay.evidence import Evidence
from assay.position.labels import MINIMUM_DOCUMENTS
from assay.position.result import PositionResult, RandomDictionaryFigures, TreatmentFigures

SEPARATED_FEATURES = "well-separated features"
"""Metric: share of the features that are content or position, of those that are not too rare."""
SEPARATED_ACTIVATION = "well-separated share of activation"
"""Metric: share of the decoder-norm-weighted activation that well-separated features carry."""
SEPARATED_RANDOM = "well-separated features of a random dictionary"
"""Metric: the same share of features for random directions that fire as often."""
SEPARATED_OVER_RANDOM = "well-separated features, trained less random dictionary"
"""Metric: share of the dictionary's features less that of the random directions."""

OVER_DOCUMENTS = "jackknife over documents and over fillers, features labelled anew in each part"


def position_evidence(
    result: PositionResult, inputs: Mapping[str, str], split: str
) -> list[Evidence]:
    """The summary's figures as records; none where the crossed design was not run.

    ``inputs`` maps model, dictionary and text to their sha256; ``split`` says which data was read.
    """
    summary, treatment = result.summary, result.treatment
    if treatment is None or summary.well_separated is None or summary.not_too_rare is None:
        return []
    random = result.random_dictionary
    record = partial(Evidence, unit="documents", split=split, seed=result.seed, inputs=dict(inputs))
    records = [
        record(
            metric=SEPARATED_FEATURES,
            estimate=summary.well_separated,
            ci=summary.well_separated_ci,
            method=OVER_DOCUMENTS,
            n=treatment.documents,
            note=_of_which_features(result, treatment, random),
        )
    ]
    if summary.well_separated_weighted is not None:
        records.append(
            record(
                metric=SEPARATED_ACTIVATION,
                estimate=summary.well_separated_weighted,
                ci=summary.well_separated_weighted_ci,
                method="delete-a-group jackknife over documents, labels held fixed",
                n=result.documents,
                note="Weighted by decoder norm.",
            )
        )
    if random is not None and random.well_separated is not None:
        what = f"{random.draws} random dictionaries of {random.features // random.draws} unit rows"
        records.append(
            record(
                metric=SEPARATED_RANDOM,
                estimate=random.well_separated,
                ci=random.well_separated_ci,
                method=f"{OVER_DOCUMENTS}; variance over draws added",
                n=treatment.documents,
                note=(
                    f"Mean of {what}, each firing as often as a feature of the dictionary; "
                    f"{_percent(random.too_rare)} of their features are too rare."
                ),
            )
        )
        if random.difference is not None:
            records.append(
                record(
                    metric=SEPARATED_OVER_RANDOM,
                    estimate=random.difference,
                    ci=random.interval,
                    method=f"{OVER_DOCUMENTS}, of both dictionaries; variance over draws added",
                    n=treatment.documents,
                    note=f"Against the mean of {what}, on the same contents and fillers.",
                )
            )
    return records


def _of_which_features(
    result: PositionResult, treatment: TreatmentFigures, random: RandomDictionaryFigures | None
) -> str:
    """Of which features the share is taken, and what a random dictionary reaches."""
    summary = result.summary
    kept = summary.not_too_rare or 0
    rare = 1 - kept / summary.features
    words = (
        f"Content or position, of the {kept:,} of {summary.features:,} features that fire in ≥ "
        f"{MINIMUM_DOCUMENTS} of {treatment.documents} documents; {_percent(rare)} are too rare to "
        "be labelled."
    )
    if random is None or random.well_separated is None:
        return words
    beside = (
        f" A random dictionary of the same firing rates reaches {_percent(random.well_separated)}"
    )
    if random.interval is None or random.difference is None:
        return f"{words}{beside}."
    low, high = (f"{100 * end:+.1f}" for end in random.interval)
    return (
        f"{words}{beside}; the difference is {100 * random.difference:+.1f} points [{low}, {high}]."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
