"""What the quality and position stages say of the dictionary."""

from __future__ import annotations

from assay.safety_case import criteria
from assay.safety_case.inputs import CaseInputs
from assay.safety_case.nodes import Node, cite
from assay.safety_case.solutions import developed, undeveloped
from assay.safety_case.wording import share

VARIANCE_EXPLAINED = "variance explained without the sink"
CROSS_ENTROPY_RECOVERED = "cross-entropy recovered"
WELL_SEPARATED = "well-separated features"
DEAD = "dead features"

_MEASURES = (
    (
        "variance",
        VARIANCE_EXPLAINED,
        "quality",
        criteria.VARIANCE_EXPLAINED,
        "The dictionary reconstructs the activations of held-out text.",
    ),
    (
        "cross_entropy",
        CROSS_ENTROPY_RECOVERED,
        "quality",
        criteria.CROSS_ENTROPY_RECOVERED,
        "The model still predicts when it reads the reconstruction instead of the activation.",
    ),
    (
        "purity",
        WELL_SEPARATED,
        "position",
        criteria.WELL_SEPARATED,
        "Features are content or position, and do not mix the two.",
    ),
)


def learning_solutions(inputs: CaseInputs) -> list[Node]:
    """For S1.1: variance explained (weak at most where most features are dead), cross-entropy, purity.

    Raises AssayError for a record without an interval.
    """
    return [_measured(inputs, *measure) for measure in _MEASURES]


def missed_solution(inputs: CaseInputs) -> Node:
    """For V1.2: how little of the variance is left unexplained."""
    text = "Hardly any of the activations' variance is left out of the dictionary."
    return _measured(inputs, "missed", VARIANCE_EXPLAINED, "quality", criteria.NOTHING_MISSED, text)


def _measured(
    inputs: CaseInputs, name: str, metric: str, stage: str, limits: criteria.Limits, text: str
) -> Node:
    found = inputs.find(metric)
    if found is None:
        absent = stage in inputs.not_run or not inputs.evidence
        why = inputs.missing(stage) if absent else f"The {stage} stage left no '{metric}'."
        return undeveloped(name, text, why)
    evidence = cite(found.path, found.record)
    judgement = criteria.grade(evidence.ci, limits, metric.capitalize())
    dead = inputs.find(DEAD)
    if metric == VARIANCE_EXPLAINED and dead and dead.record.estimate > criteria.MOST_DEAD:
        reason = f"{share(dead.record.estimate)} of the features are dead."
        judgement = criteria.capped(judgement, reason)
    return developed(name, text, evidence, judgement)
