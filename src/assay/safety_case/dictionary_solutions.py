"""What the records of the quality and position stages show about the dictionary."""

from __future__ import annotations

from typing import NamedTuple

from assay.evidence import Evidence
from assay.position.result import PositionResult
from assay.safety_case import cited_metrics, criteria
from assay.safety_case.case_inputs import CaseInputs
from assay.safety_case.grading import Judgement, capped, grade, keeps, worse
from assay.safety_case.nodes import Node, citable_interval
from assay.safety_case.phrases import plural, share
from assay.safety_case.solutions import also_from, developed, undeveloped


class Measure(NamedTuple):
    """One solution about the dictionary."""

    name: str
    """Name of the solution."""
    metric: str
    """Metric of the record that it cites."""
    stage: str
    """The stage that writes the record."""
    criterion: criteria.Criterion
    """When it is supported and when defeated."""
    text: str
    """What it states."""


LEARNING = (
    Measure(
        "variance",
        cited_metrics.VARIANCE_EXPLAINED,
        "quality",
        criteria.VARIANCE,
        "The dictionary reconstructs the activations of held-out text.",
    ),
    Measure(
        "cross_entropy",
        cited_metrics.CROSS_ENTROPY_RECOVERED,
        "quality",
        criteria.CROSS_ENTROPY,
        "The model still predicts when it reads the reconstruction instead of the activation.",
    ),
)
PURITY = Measure(
    "purity",
    cited_metrics.WELL_SEPARATED,
    "position",
    criteria.SEPARATED,
    "Features that are not too rare are content or position, and more often so than those of a random "
    "dictionary.",
)
MISSED = Measure(
    "missed",
    cited_metrics.VARIANCE_EXPLAINED,
    "quality",
    criteria.MISSED,
    "Hardly any of the activations' variance is left out of the dictionary.",
)


def learning_solutions(inputs: CaseInputs) -> list[Node]:
    """For S1.1: variance explained (weak at most where most features are dead), cross-entropy, purity.

    Raises AssayError for a record without an interval.
    """
    return [*(_solution(inputs, measure) for measure in LEARNING), _purity(inputs)]


def missed_solution(inputs: CaseInputs) -> Node:
    """For V1.2: how little of the variance is left unexplained.

    Raises AssayError for a record without an interval.
    """
    return _solution(inputs, MISSED)


def judge_purity(record: Evidence, position: PositionResult | None) -> Judgement:
    """Well-separated features: the share must reach its limit, and beat a random dictionary's.

    Raises AssayError for a record without an interval.
    """
    judgement = grade(citable_interval(record), criteria.SEPARATED, record.metric.capitalize())
    random = None if position is None else position.random_dictionary
    if random is None or random.interval is None or random.well_separated is None:
        return capped(judgement, "No random dictionary was audited beside it.")
    low, high = random.interval
    beside = (
        f"A random dictionary that fires as often reaches {share(random.well_separated)} "
        f"({plural(random.draws, 'draw')}); the difference lies in [{low:.3f}, {high:.3f}]"
    )
    if keeps(criteria.SEPARATED_OVER_RANDOM, low):
        return worse(judgement, Judgement("supported", f"{beside}."))
    beaten = high < (criteria.SEPARATED_OVER_RANDOM.defeated or 0.0)
    why = f"{beside}: {'worse' if beaten else 'not shown to be better'} than random."
    return worse(judgement, Judgement("defeated" if beaten else "weak", why))


def of_which_features(position: PositionResult | None) -> str:
    """Of which features the share of well-separated ones is taken, as a sentence."""
    summary = None if position is None else position.summary
    if summary is None or summary.not_too_rare is None or not summary.features:
        return "How many features are too rare to be judged is not stated."
    rare = 1 - summary.not_too_rare / summary.features
    return (
        f"Of the {summary.not_too_rare:,} features that are not too rare; the other {share(rare)} of "
        f"{summary.features:,} were not judged."
    )


def _purity(inputs: CaseInputs) -> Node:
    record = inputs.find(PURITY.metric)
    if record is None:
        return _solution(inputs, PURITY)
    judgement = judge_purity(record, inputs.position)
    why = f"{judgement.why} {of_which_features(inputs.position)}"
    cited = (record, Judgement(judgement.status, why))
    if inputs.position is not None:
        cited = also_from(cited, PositionResult.FILE, {}, inputs.files)
    return developed(PURITY.name, PURITY.text, *cited)


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
    judgement = grade(citable_interval(record), measure.criterion, measure.metric.capitalize())
    dead = inputs.find(cited_metrics.DEAD)
    if (
        measure.metric == cited_metrics.VARIANCE_EXPLAINED
        and dead is not None
        and not keeps(criteria.DEAD, dead.estimate)
    ):
        judgement = capped(judgement, f"{share(dead.estimate)} of the features are dead.")
    return developed(measure.name, measure.text, record, judgement)
