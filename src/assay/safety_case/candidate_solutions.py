"""What the candidates' labels are worth on examples that the labeller did not see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.safety_case import criteria
from assay.safety_case.criteria import Judgement
from assay.safety_case.inputs import CaseInputs
from assay.safety_case.nodes import Node
from assay.safety_case.solutions import Figure, cite_summary, developed, undeveloped
from assay.safety_case.status import weakest


def labels_solution(inputs: CaseInputs) -> Node:
    """For S1.2: the label that is worst on held-out examples, of the features that are watched.

    Where no candidate is watched, of the best-ranked one. Detection and fuzzing are both judged; the
    worse decides. A candidate whose position label carries a warning is weak at most.
    """
    text = "What the features of concern are said to fire on is what they fire on."
    if inputs.candidates is None:
        return undeveloped("labels", text, inputs.missing("candidates"))
    scored = [c for c in chosen(inputs) if _has_interval(c.get("detection"))]
    if not scored:
        return undeveloped("labels", text, "No label was scored on held-out examples.")
    worst = min(scored, key=lambda c: (c["detection"]["ci"][0], c["feature"]))
    detection = worst["detection"]
    figure = Figure(
        f"accuracy of the label of feature {worst['feature']} in detection",
        detection["estimate"],
        detection["ci"],
        detection["n"],
        "examples",
        "held_out",
    )
    judgement = _judge(worst)
    if len(scored) > 1:
        why = f"Worst of {len(scored)} labels. {judgement.why}"
        judgement = Judgement(judgement.status, why)
    return developed("labels", text, cite_summary(inputs, inputs.candidates, figure), judgement)


def chosen(inputs: CaseInputs) -> list[Mapping[str, Any]]:
    """The candidates that the monitor watches, or else the best-ranked one."""
    candidates = inputs.candidates.content["candidates"] if inputs.candidates else []
    features = inputs.monitor.content["features"] if inputs.monitor else []
    indices = {feature.get("feature") for feature in features} - {None}
    watched = [candidate for candidate in candidates if candidate["feature"] in indices]
    if watched or not candidates:
        return watched
    return [min(candidates, key=lambda c: (c["p"], -abs(c["contrast"]), c["feature"]))]


def _judge(candidate: Mapping[str, Any]) -> Judgement:
    detection = candidate["detection"]["ci"]
    judgement = criteria.grade(detection, criteria.LABEL_SCORES, "Detection")
    if _has_interval(candidate.get("fuzzing")):
        fuzzing = criteria.grade(candidate["fuzzing"]["ci"], criteria.LABEL_SCORES, "Fuzzing")
        both = weakest([judgement.status, fuzzing.status])
        judgement = Judgement(both, f"{judgement.why} {fuzzing.why}")
    else:
        judgement = criteria.capped(judgement, "Fuzzing was not run.")
    if candidate.get("position_warning"):
        judgement = criteria.capped(judgement, f"{candidate['position_warning'].rstrip('.')}.")
    return judgement


def _has_interval(score: Mapping[str, Any] | None) -> bool:
    return bool(score and score.get("ci") and score.get("n"))
