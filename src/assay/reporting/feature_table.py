"""The searchable table of features: its rows and contexts, packed small enough for the page."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import asdict, dataclass

from assay.dictionaries.decoded_contexts import DecodedContexts
from assay.position.result import FeatureFigures, PositionResult
from assay.reporting.palette import NOT_LABELLED

Rounded = tuple[float | None, ...]
"""An estimate and the ends of its interval, rounded."""


@dataclass(frozen=True)
class FeatureRow:
    """One feature, as the script of the table reads it; figures are rounded to three digits."""

    feature: int
    """Its index in the dictionary."""
    rate: float | None
    """Share of tokens on which it fires."""
    documents: int
    """Documents in which it fires."""
    label: str
    """Its label, or NOT_LABELLED."""
    explained: dict[str, Rounded]
    """Level → split-half η² with its interval."""
    chance: dict[str, float | None]
    """Level → η² expected by chance."""
    q: float | None
    """False-discovery rate at which position explains it."""
    indicator: float | None
    """Variance of whether it fires that position explains."""
    magnitude: float | None
    """Variance of how strongly it fires that position explains; None where it is too rare."""
    selectivity: float | None
    """Positional selectivity."""
    causal: dict[str, Rounded] | None
    """s_pos, s_ctx, s_int, t_pos → the causal share with its interval; None where not measured."""


def feature_rows(result: PositionResult) -> list[FeatureRow]:
    """The rows of the table, in the dictionary's order."""
    return [_row(feature) for feature in result.features]


def packed_table(result: PositionResult | None, contexts: DecodedContexts | None) -> str:
    """Rows and contexts as JSON, gzipped and in base64, the same bytes for the same results."""
    rows = [] if result is None else [asdict(row) for row in feature_rows(result)]
    shown = None if contexts is None else contexts.model_dump(mode="json")
    text = json.dumps(
        {"rows": rows, "examples": shown},
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode("ascii")


def _row(found: FeatureFigures) -> FeatureRow:
    causal, levels = found.causal, found.levels
    named = {"all": levels.all, "no_sink": levels.no_sink, "no_first_8": levels.no_first_8}
    return FeatureRow(
        feature=found.feature,
        rate=_short(found.firing_rate),
        documents=found.firing_documents,
        label=found.label or NOT_LABELLED,
        explained={
            level: _rounded(figures.eta2_split_half, *figures.ci)
            for level, figures in named.items()
        },
        chance={level: _short(figures.eta2_null) for level, figures in named.items()},
        q=_short(found.q),
        indicator=_short(found.indicator),
        magnitude=_short(found.magnitude),
        selectivity=_short(found.selectivity),
        causal=None
        if causal is None
        else {
            "s_pos": _rounded(causal.s_pos, causal.s_pos_low, causal.s_pos_high),
            "s_ctx": _rounded(causal.s_ctx, causal.s_ctx_low, causal.s_ctx_high),
            "s_int": _rounded(causal.s_int, causal.s_int_low, causal.s_int_high),
            "t_pos": _rounded(causal.t_pos, causal.t_pos_low, causal.t_pos_high),
        },
    )


def _rounded(*figures: float | None) -> Rounded:
    return tuple(_short(figure) for figure in figures)


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")
