"""The dictionary's quality and the attention sink as the page's template wants them."""

from __future__ import annotations

from dataclasses import dataclass

from assay.activations.residual_variance import Estimate
from assay.dictionaries.quality_records import (
    CROSS_ENTROPY_RECOVERED,
    DEAD,
    L0,
    VARIANCE_EXPLAINED,
    VARIANCE_EXPLAINED_ALL,
)
from assay.dictionaries.quality_result import QualityResult
from assay.reporting.position_plots import draw_sink_bars


@dataclass(frozen=True)
class QualityRow:
    """One figure of the dictionary, as a row of a table."""

    name: str
    """What was measured."""
    value: float | None
    """The figure; None where it could not be measured."""
    ci: tuple[float, float] | None
    """Its 95 % interval; None where there is none."""
    n: int
    """Documents that it rests on."""
    note: str
    """What a reader must know."""


@dataclass(frozen=True)
class QualityView:
    """Everything that the two sections show."""

    result: QualityResult
    """All figures."""
    rows: tuple[QualityRow, ...]
    """The dictionary's figures."""
    sink_svg: str
    """Position's share of the raw variance, with and without the sink."""


def view_quality(result: QualityResult) -> QualityView:
    """The table of the dictionary's figures, and the drawing of the sink."""
    n, spliced = result.documents, result.cross_entropy
    recovered = spliced.recovered
    nats = (
        f"clean {spliced.clean:.2f}, spliced {spliced.spliced:.2f}, ablated {spliced.ablated:.2f}"
    )
    nothing = (
        "Replacing the site by its mean costs this model nothing: there is no loss to recover."
    )
    rows = (
        _row(
            VARIANCE_EXPLAINED,
            result.variance_explained,
            n,
            "1 − fraction unexplained.",
        ),
        _row(
            VARIANCE_EXPLAINED_ALL,
            result.variance_explained_with_sink,
            n,
            "Measures mostly the few tokens that training left out.",
        ),
        _row(L0, result.l0, n, "Features active on a token."),
        QualityRow(
            DEAD,
            result.dead_features,
            None,
            n,
            f"Share of features that fired on none of {result.tokens:,} held-out tokens.",
        ),
        _row(
            CROSS_ENTROPY_RECOVERED,
            recovered,
            spliced.documents,
            f"{nothing if recovered is None else 'Against mean-ablation.'} Nats a token: {nats}.",
        ),
    )
    return QualityView(result, rows, draw_sink_bars(result.sink.epsilon2))


def _row(name: str, estimate: Estimate | None, n: int, note: str) -> QualityRow:
    if estimate is None:
        return QualityRow(name, None, None, n, note)
    return QualityRow(name, estimate.value, estimate.ci, n, note)
