"""position.json: the audit as JSON, NaN written as null. docs/schemas/position.schema.json."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from assay.position.causal import frequent, interaction_share, label_shares
from assay.position.labels import SMALL
from assay.position.levels import FIRST_POSITION

if TYPE_CHECKING:
    from assay.position.audit import PositionAudit
    from assay.position.causal import CausalAudit, SinkDistance
    from assay.position.observational import VarianceExplained
    from assay.position.summary import LabelSummary

DIGITS = 6
"""Significant digits kept."""


def position_json(audit: PositionAudit) -> dict[str, Any]:
    """The audit in the published layout: dictionaries, lists, text, finite numbers and None."""
    found = audit.observational
    causal = audit.causal
    width = len(found.firing_rate)
    return {
        "model": audit.model,
        "site": audit.site,
        "dictionary": audit.dictionary,
        "documents": found.documents,
        "rows": found.rows,
        "length": found.length,
        "unit": "documents",
        "seed": audit.seed,
        "first_token": audit.first_token,
        "left_out": audit.left_out,
        "left_out_rate": number(audit.left_out_rate),
        "level": found.level,
        "tokens": {level: found.levels[level].tokens for level in FIRST_POSITION},
        "summary": _summary(audit, width),
        "label_reason": audit.label_reason,
        "treatment": None if causal is None else _treatment(causal),
        "noise_floor": None if causal is None else number(causal.noise_floor),
        "sink_distance": _sink_distance(causal.sink_distance) if causal else None,
        "cross_entropy_by_offset": [_rounded(asdict(check)) for check in causal.checks]
        if causal
        else None,
        "guard": None if causal is None else causal.guard,
        "beside": [] if causal is None else _beside(audit, causal),
        "features": [_feature(audit, feature) for feature in range(width)],
    }


def number(value: float | None) -> float | None:
    """A finite number, rounded; None for None, NaN and infinity."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{DIGITS}g}")


def _feature(audit: PositionAudit, feature: int) -> dict[str, Any]:
    found, causal = audit.observational, audit.causal
    label = None if causal is None else causal.labels[feature]
    row: dict[str, Any] = {
        "feature": feature,
        "firing_rate": number(found.firing_rate[feature]),
        "firing_documents": int(found.firing_documents[feature]),
        "levels": {level: _level(found, level, feature) for level in FIRST_POSITION},
    }
    for name in ("p", "q", "indicator", "magnitude", "selectivity"):
        row[name] = number(getattr(found, name)[feature])
    if audit.heads is not None:
        row["head"] = int(audit.heads[feature])
    shares = None
    if causal is not None and label != "too rare" and math.isfinite(causal.shares.t_pos[feature]):
        shares = _rounded(causal.shares.of(feature))
        shares["filler_share"] = number(causal.shares.filler_share[feature])
    return row | {"causal": shares, "label": label}


def _level(found: VarianceExplained, level: str, feature: int) -> dict[str, Any]:
    figures = found.levels[level]
    row: dict[str, Any] = {
        name: number(getattr(figures, name)[feature])
        for name in ("eta2", "eta2_null", "eta2_split_half")
    }
    row["ci"] = [number(end) for end in figures.ci[feature].tolist()]
    row["epsilon2"] = number(figures.epsilon2[feature])
    return row


def _summary(audit: PositionAudit, width: int) -> dict[str, Any]:
    if audit.summary is None:
        return {
            "features": width,
            "labels": {},
            "well_separated": None,
            "well_separated_weighted": None,
            "by_head": None,
        }
    by_head = None
    if audit.by_head is not None:
        by_head = {str(head): _labels(part) for head, part in audit.by_head.items()}
    return _labels(audit.summary) | {"by_head": by_head}


def _labels(summary: LabelSummary) -> dict[str, Any]:
    return _rounded(asdict(summary)) | {
        "well_separated_unit": "features (Clopper-Pearson)",
        "well_separated_weighted_unit": "documents (delete-a-group jackknife, labels held fixed)",
    }


def _treatment(causal: CausalAudit) -> dict[str, Any]:
    return {
        "words": causal.treatment.words,
        "offsets": list(causal.offsets),
        "fillers": causal.fillers,
        "fillers_from_other_documents": causal.fillers_apart,
        "contents": causal.contents,
        "contents_dropped_as_massive": causal.dropped,
        "content_length": causal.content_length,
        "rows": causal.shares.contents,
        "documents": causal.shares.documents,
    }


def _sink_distance(found: SinkDistance | None) -> dict[str, Any] | None:
    if found is None:
        return None
    common = frequent(found.shares)
    return {
        "offsets": list(found.offsets),
        "documents": found.shares.documents,
        "features": int(common.sum()),
        "labels": _rounded(label_shares(found.shares.labels())),
        "median_t_pos": _median(found.shares.t_pos[common]),
        "median_s_int": _median(found.shares.s_int[common]),
        "share_s_int_at_least_05": number(interaction_share(found.shares)),
    }


def _beside(audit: PositionAudit, causal: CausalAudit) -> list[dict[str, Any]]:
    """Rows for a reader: a name, a value and a note."""
    common = frequent(causal.shares)
    low = audit.observational.levels["no_sink"].ci[:, 0]
    content = np.array([label == "content" for label in causal.labels])
    rows: list[tuple[str, float | None, str]] = [
        (
            "share of features with S_int ≥ .05",
            number(interaction_share(causal.shares)),
            "of those not too rare; the estimate, whatever its interval",
        ),
        (
            "features labelled content whose η² without the sink has its lower end ≥ .05",
            float((content & (low >= SMALL)).sum()),
            "they act near the start of a text, which the offsets do not reach: read them apart",
        ),
    ]
    if causal.fillers:
        rows.append(
            (
                "median share of the variance that goes with the filler text",
                _median(causal.shares.filler_share[common]),
                "context, never counted as position",
            )
        )
    if causal.noise_floor is not None:
        rows.append(
            (
                "noise floor: median S_int when all position ids grow alike",
                number(causal.noise_floor),
                "exactly nothing changes on this model, but for rounding",
            )
        )
    if causal.sink_distance is not None:
        distance = causal.sink_distance
        rows.append(
            (
                "median T_pos when only the distance to the first token changes",
                _median(distance.shares.t_pos[frequent(distance.shares)]),
                f"sink_distance, δ up to {distance.offsets[-1]}; reported apart, never the label",
            )
        )
    return [{"name": name, "value": value, "note": note} for name, value, note in rows]


def _median(values: np.ndarray) -> float | None:
    finite = values[np.isfinite(values)]
    return number(float(np.median(finite))) if len(finite) else None


def _rounded(value: Any) -> Any:
    """The same value with every float rounded, NaN as None and tuples as lists."""
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    return number(value) if isinstance(value, float) else value
