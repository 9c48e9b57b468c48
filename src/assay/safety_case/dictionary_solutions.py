"""What the records of the quality and position stages show about the dictionary."""

from __future__ import annotations

from typing import NamedTuple

from assay.safety_case import cited_metrics, criteria
from assay.safety_case.case_inputs import CaseInputs
from assay.safety_case.nodes import Node, citable_interval
from assay.safety_case.phrases import share
from assay.safety_case.solutions import developed, undeveloped


class Measure(NamedTuple):
    """One solution about the dictionary."""

    name: str
    """Name of the solution."""
    metric: str
    """Metric of the record that it cites."""
    stage: str
    """The stage that writes the record."""
    limits: criteria.Limits
    """When it is supported and when defeated."""
    text: str
    """What it states."""


LEARNING = (
    Measure(
        "variance",
        cited_metrics.VARIANCE_EXPLAINED,
        "quality",
        criteria.VARIANCE_EXPLAINED,
        "The dictionary reconstructs the activations of held-out text.",
    ),
    Measure(
        "cross_entropy",
        cited_metrics.CROSS_ENTROPY_RECOVERED,
        "quality",
        criteria.CROSS_ENTROPY_RECOVERED,
        "The model still predicts when it reads the reconstruction instead of the activation.",
    ),
    Measure(
        "purity",
        cited_metrics.WELL_SEPARATED,
        "position",
        criteria.WELL_SEPARATED,
        "Features are content or position, and do not mix the two.",
    ),
)
MISSED = Measure(
    "missed",
    cited_metrics.VARIANCE_EXPLAINED,
    "quality",
    criteria.NOTHING_MISSED,
    "Hardly any of the activations' variance is left out of the dictionary.",
)


def learning_solutions(inputs: CaseInputs) -> list[Node]:
    """For S1.1: variance explained (weak at most where most features are dead), cross-entropy, purity.

    Raises AssayError for a record without an interval.
    """
    return [_solution(inputs, measure) for measure in LEARNING]


def missed_solution(inputs: CaseInputs) -> Node:
    """For V1.2: how little of the variance is left unexplained.

    Raises AssayError for a record without an interval.
    """
    return _solution(inputs, MISSED)


def _solution(inputs: CaseInputs, measure: Measure) -> Node:
    record = inputs.find(measure.metric)
    if record is None:
        absent = measure.stage in inputs.not_run or not inputs.evidence
        why = (
            inputs.missing(measure.stage)
            if absent
            else f"The {measure.stage} stage wrote no record '{measure.metric}'."
        )
        return undeveloped(measure.name, measure.text, why)
    judgement = criteria.grade(
        citable_interval(record), measure.limits, measure.metric.capitalize()
    )
    dead = inputs.find(cited_metrics.DEAD)
    if (
        measure.metric == cited_metrics.VARIANCE_EXPLAINED
        and dead is not None
        and dead.estimate > criteria.MOST_DEAD
    ):
        judgement = criteria.capped(judgement, f"{share(dead.estimate)} of the features are dead.")
    return developed(measure.name, measure.text, record, judgement)
