"""Candidate features as cards: what each fires on, what it causes, what is beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.dictionaries.decoded_contexts import HIGHLIGHT_LEVELS
from assay.reporting.transfer_view import OWN_PROMPTS, detector_order

PURE = ("content", "additive")
SHOWN_TOKENS = 48
"""Tokens of an example that are shown, around its peak."""
SHOWN_EXAMPLES = 5
OPEN_CARDS = 8
"""Cards that are shown without a click."""
FEATURE_DETECTOR = "single_feature"


def candidates_view(
    candidates: Mapping[str, Any], transfer: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The strategies' yields and the cards, the first few apart."""
    cards = [_card(one, transfer or {}) for one in candidates.get("candidates") or []]
    return {
        "strategies": list(candidates.get("strategies") or []),
        "cards": cards[:OPEN_CARDS],
        "more": cards[OPEN_CARDS:],
    }


def _card(candidate: Mapping[str, Any], transfer: Mapping[str, Any]) -> dict[str, Any]:
    examples = candidate.get("examples") or []
    random = candidate.get("random_examples") or []
    peak = max((value for example in [*examples, *random] for _, value in example), default=0.0)
    return {
        "candidate": candidate,
        "warning": _warning(candidate),
        "examples": [_highlighted(example, peak) for example in examples[:SHOWN_EXAMPLES]],
        "random": [_highlighted(example, peak) for example in random[:SHOWN_EXAMPLES]],
        "ablation": candidate.get("ablation") or _ablation(candidate, transfer),
        "baselines": _baselines(candidate, transfer),
    }


def _warning(candidate: Mapping[str, Any]) -> str | None:
    given = candidate.get("position_warning")
    if given:
        return str(given)
    label = candidate.get("position_label")
    if label in PURE:
        return None
    known = f"labelled {label}" if label else "without a position label"
    return f"The feature is {known}: it may fire for where a text is, not for what it says."


def _highlighted(example: Sequence[Sequence[Any]], peak: float) -> list[tuple[str, int]]:
    """Tokens around the example's peak, each with a level from 0 to 9 of the candidate's peak."""
    values = [value for _, value in example]
    centre = values.index(max(values)) if values else 0
    first = max(0, min(centre - SHOWN_TOKENS // 2, len(values) - SHOWN_TOKENS))
    shown = []
    for token, value in example[first : first + SHOWN_TOKENS]:
        share = max(value, 0.0) / peak if peak > 0 else 0.0
        level = min(HIGHLIGHT_LEVELS, -int(-share * HIGHLIGHT_LEVELS // 1))
        shown.append((str(token).replace("\n", "⏎").replace("\t", "→"), level))
    return shown


def _ablation(
    candidate: Mapping[str, Any], transfer: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """The matrix's ablation of the strategy's single feature, where that is this candidate."""
    of_strategy = [
        ablation
        for ablation in transfer.get("ablations") or []
        if ablation["strategy"] == candidate["strategy"]
        and ablation["detector"] == FEATURE_DETECTOR
        and ablation.get("feature") == candidate["feature"]
    ]
    return of_strategy[0] if of_strategy else None


def _baselines(
    candidate: Mapping[str, Any], transfer: Mapping[str, Any]
) -> list[tuple[str, float, int]]:
    """Mean AUROC over organisms of every detector of the same strategy, and over how many."""
    areas: dict[str, list[float]] = {}
    for cell in transfer.get("cells") or []:
        same = cell["strategy"] == candidate["strategy"] and cell["deployment"] == OWN_PROMPTS
        if same and cell.get("auroc") is not None:
            areas.setdefault(cell["detector"], []).append(cell["auroc"])
    return [
        (name, sum(areas[name]) / len(areas[name]), len(areas[name]))
        for name in sorted(areas, key=detector_order)
    ]
