"""The figures of a dictionary's quality as records of evidence, and the names of the metrics."""

from __future__ import annotations

from collections.abc import Mapping

from assay.activations.residual_variance import Estimate
from assay.dictionaries.quality_result import QualityResult
from assay.evidence import Evidence

VARIANCE_EXPLAINED = "variance explained without the sink"
VARIANCE_EXPLAINED_ALL = "variance explained, sink included"
SINK_SHARE = "sink's share of the residual variance"
L0 = "L0"
DEAD = "dead features"
CROSS_ENTROPY_RECOVERED = "cross-entropy recovered"
QUALITY = (VARIANCE_EXPLAINED, VARIANCE_EXPLAINED_ALL, L0, DEAD, CROSS_ENTROPY_RECOVERED)
"""The dictionary's own metrics, in the order of the report."""
JACKKNIFE = "delete-a-group jackknife over documents"
"""Method of an interval over documents."""
COUNTED = "counted"
"""Method of a figure without an interval."""
HELD_OUT = "held_out"
"""The split of documents that training never saw."""


def quality_evidence(result: QualityResult, inputs: Mapping[str, str]) -> list[Evidence]:
    """One record of evidence for each figure; ``inputs`` maps what was read to its sha256.

    Cross-entropy recovered has a record only where ablating the site costs the model something.
    """

    def record(metric: str, figure: Estimate | float, note: str, n: int) -> Evidence:
        ci = figure.ci if isinstance(figure, Estimate) else None
        return Evidence(
            metric=metric,
            estimate=figure.value if isinstance(figure, Estimate) else figure,
            ci=ci,
            method=JACKKNIFE if ci else COUNTED,
            n=n,
            unit="documents",
            split=HELD_OUT,
            seed=result.seed,
            inputs=dict(inputs),
            note=note,
        )

    dead_note = f"Share of features that fired on none of {result.tokens:,} held-out tokens."
    figures: list[tuple[str, Estimate | float, str]] = [
        (VARIANCE_EXPLAINED, result.variance_explained, "1 − fraction unexplained."),
        (
            VARIANCE_EXPLAINED_ALL,
            result.variance_explained_with_sink,
            "Measures mostly the few tokens that training left out.",
        ),
        (L0, result.l0, "Features active on a token."),
        (DEAD, result.dead_features, dead_note),
        (
            SINK_SHARE,
            result.sink.sink_share,
            "Position 0 and massive tokens, of the raw activations' variance.",
        ),
    ]
    records = [record(metric, figure, note, result.documents) for metric, figure, note in figures]
    spliced = result.cross_entropy
    if spliced.recovered is not None:
        nats = f"clean {spliced.clean:.2f}, spliced {spliced.spliced:.2f}, "
        note = f"Against mean-ablation; nats a token: {nats}ablated {spliced.ablated:.2f}."
        records.append(record(CROSS_ENTROPY_RECOVERED, spliced.recovered, note, spliced.documents))
    return records
