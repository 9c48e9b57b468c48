"""The position audit as the page's template wants it: plots, and what stands beside the labels."""

from __future__ import annotations

from dataclasses import dataclass

from assay.position.result import LabelSummary, LevelFigures, PositionResult
from assay.reporting import position_plots
from assay.reporting.palette import LEVEL_COLOURS, SHARE_COLOURS


@dataclass(frozen=True)
class HeadRow:
    """Labels over one attention head."""

    head: int
    """The head."""
    summary: LabelSummary
    """Its labels."""


@dataclass(frozen=True)
class PositionView:
    """Everything that the section shows."""

    result: PositionResult
    """All figures."""
    density_svg: str | None
    """How often features fire; None where none fired."""
    labels_svg: str | None
    """Share of features with each label; None without labels."""
    variance_svg: str
    """Variance explained by position, observational."""
    causal_svg: str | None
    """Causal shares; None where no feature has any."""
    too_rare: float | None
    """Share of the features that are too rare to be judged; None without labels."""
    heads: tuple[HeadRow, ...]
    """Labels by attention head, where there are several."""


def view_position(result: PositionResult) -> PositionView:
    """The plots, and the labels by head."""
    summary = result.summary
    by_head = summary.by_head or {}
    rates = [feature.firing_rate for feature in result.features]
    return PositionView(
        result=result,
        density_svg=position_plots.draw_density(rates) if any(rates) else None,
        labels_svg=position_plots.draw_label_bar(summary.labels) if summary.labels else None,
        variance_svg=_variance(result),
        causal_svg=_causal(result),
        too_rare=None
        if summary.not_too_rare is None or not summary.features
        else 1 - summary.not_too_rare / summary.features,
        heads=tuple(HeadRow(head, found) for head, found in by_head.items())
        if len(by_head) > 1
        else (),
    )


def _variance(result: PositionResult) -> str:
    levels = [feature.levels for feature in result.features]
    columns = {
        "all": [level.all for level in levels],
        "no_sink": [level.no_sink for level in levels],
        "no_first_8": [level.no_first_8 for level in levels],
    }
    names = position_plots.LEVEL_NAMES
    return position_plots.draw_share_histogram(
        {names[level]: _known(column) for level, column in columns.items()},
        "variance explained by position (split-half η²)",
        {names[level]: LEVEL_COLOURS[level] for level in columns},
    )


def _known(levels: list[LevelFigures]) -> list[float]:
    return [level.eta2_split_half for level in levels if level.eta2_split_half is not None]


def _causal(result: PositionResult) -> str | None:
    causal = [feature.causal for feature in result.features if feature.causal is not None]
    if not causal:
        return None
    columns = (
        [shares.t_pos for shares in causal],
        [shares.s_int for shares in causal],
        [shares.s_pos for shares in causal],
    )
    return position_plots.draw_share_histogram(
        {
            name: [share for share in column if share is not None]
            for name, column in zip(SHARE_COLOURS, columns, strict=True)
        },
        "causal share of the feature's variance",
        SHARE_COLOURS,
    )
