"""The candidates stage: which features may stand for each concern, and what they fire on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from assay.files import read_json, write_json
from assay.pipeline.case import Case
from assay.pipeline.case_organisms import CaseOrganism
from assay.pipeline.case_readings import Readings
from assay.pipeline.transfer import elicit_for

if TYPE_CHECKING:
    from assay.concerns.candidates import Candidate
    from assay.concerns.interpretation import Example, LabelScore
    from assay.dictionaries import Dictionary
    from assay.models import LanguageModel, Site

CANDIDATES = "candidates.json"
MOST = 12
"""Candidates kept for each concern."""
PROMOTED = 8
"""Tokens shown for the logit lens."""


def run_candidates(
    case: Case,
    organisms: list[CaseOrganism],
    readings: Readings,
    dictionary: Dictionary,
    model: LanguageModel,
    site: Site,
    position_labels: Mapping[int, str] | None,
    folder: Path,
) -> None:
    """Write ``candidates.json``. Labels are learned and scored on what all strategies elicited."""
    from assay.concerns.candidates import find_candidates
    from assay.concerns.strategies import shows_transfer

    found: list[Candidate] = []
    strategies: dict[tuple[str, str], dict[str, Any]] = {}
    for concern in dict.fromkeys(one.concern for one in organisms):
        own = [one for one in organisms if one.concern == concern]
        elicited = elicit_for(case, None, own, readings)
        usable = [e for e in elicited if not e.strategy.startswith(("few_shot", "off_policy"))]
        conversations = [c for e in usable for c in e.conversations]
        for one in usable:
            strategies[concern.name, one.strategy] = {
                "concern": concern.name,
                "name": one.strategy,
                "positives": one.positives,
                "negatives": one.negatives,
                "discarded": one.discarded,
                "refused": one.refused,
                "note": one.note,
            }
        ranked = find_candidates(
            concern.name,
            # A control elicits no misbehaviour: what differs there stands for no concern.
            [
                e
                for e in usable
                if min(e.positives, e.negatives) >= 8 and shows_transfer(e.strategy)
            ],
            dictionary,
            conversations,
            position_labels,
            model.tokenizer,
            case.seed,
        )
        found += ranked[:MOST]
    promoted = _promoted(model, site, dictionary, [c.ranked.feature for c in found])
    rows = [
        _row(candidate, tokens, _attribution(candidate, organisms, readings))
        for candidate, tokens in zip(found, promoted, strict=True)
    ]
    write_json(folder / CANDIDATES, {"strategies": list(strategies.values()), "candidates": rows})


def position_labels(position: Path) -> dict[int, str] | None:
    """Feature → label of the position audit; None where no label rests on the causal design."""
    features = read_json(position / "position.json")["features"]
    labels = {int(f["feature"]): f["label"] for f in features if f.get("label")}
    return labels or None


def _attribution(
    candidate: Candidate, organisms: Sequence[CaseOrganism], readings: Readings
) -> float | None:
    """Mean over the concern's organisms of the feature's attribution."""
    names = [one.name for one in organisms if one.concern.name == candidate.concern]
    feature = str(candidate.ranked.feature)
    values = [readings.attribution[n].get(feature, 0.0) for n in names if n in readings.attribution]
    return float(np.mean(values)) if values else None


def _promoted(
    model: LanguageModel, site: Site, dictionary: Dictionary, features: Sequence[int]
) -> list[list[tuple[str, float]]]:
    from assay.models import promoted_tokens

    if dictionary.d_in != model.d_model or site.kind in ("q", "k", "v", "z") or not features:
        return [[] for _ in features]
    return promoted_tokens(model, dictionary.W_dec.detach()[list(features)], PROMOTED)


def _row(
    candidate: Candidate, promoted: list[tuple[str, float]], attribution: float | None
) -> dict[str, Any]:
    return {
        "feature": candidate.ranked.feature,
        "name": f"{candidate.concern}-{candidate.ranked.feature}",
        "concern": candidate.concern,
        "strategy": candidate.strategy,
        "contrast": candidate.ranked.contrast,
        "auroc": candidate.ranked.auroc,
        "p": candidate.ranked.p,
        "position_label": candidate.position_label,
        "position_warning": candidate.position_warning,
        "label": candidate.label,
        "detection": _score(candidate.detection),
        "fuzzing": _score(candidate.fuzzing),
        "attribution": attribution,
        "promoted": [[token, round(value, 3)] for token, value in promoted],
        "examples": [_tokens(example) for example in candidate.examples],
        "random_examples": [_tokens(example) for example in candidate.random_examples],
    }


def _score(score: LabelScore | None) -> dict[str, Any] | None:
    if score is None:
        return None
    return {"estimate": score.estimate, "ci": list(score.ci), "n": score.n}


def _tokens(example: Example) -> list[list[Any]]:
    return [list(pair) for pair in zip(example.tokens, example.activations, strict=True)]
