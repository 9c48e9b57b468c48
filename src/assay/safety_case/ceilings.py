"""The best status that a solution's own figure allows, for a case that is read without its results."""

from __future__ import annotations

from collections.abc import Callable

from assay.concerns.matrix.admission import catch_lower_bound
from assay.errors import AssayError
from assay.evidence import Evidence
from assay.safety_case import criteria
from assay.safety_case.criteria import Criterion
from assay.safety_case.grading import STRENGTH, grade, keeps
from assay.safety_case.judging_matrix import EXACT, judge_catching
from assay.safety_case.nodes import Node, Status, citable_interval
from assay.safety_case.result import SafetyCase


def check_ceilings(case: SafetyCase) -> None:
    """Raise AssayError for a solution that is stronger than its own figure allows.

    What a figure does not show by itself (the case's target, twins, ablations) may make a solution
    weaker than its ceiling, never stronger.
    """
    for node in case.nodes:
        if node.evidence is None or node.status is None:
            continue
        most = ceiling(node)
        if STRENGTH.index(node.status) > STRENGTH.index(most):
            low, high = citable_interval(node.evidence)
            raise AssayError(
                f"node {node.id} says '{node.status}', its figure {node.evidence.estimate:.3g} "
                f"[{low:.3g}, {high:.3g}] gives '{most}' at best"
            )


def ceiling(node: Node) -> Status:
    """The best status that a developed solution's figure allows; supported where no criterion is known.

    Raises AssayError where the figure is incomplete.
    """
    if node.evidence is None:
        raise AssayError(f"node {node.id} shows no figure by which it could be judged")
    kind = node.id.removeprefix("Sn.").split(".")[0]
    if kind not in _CEILINGS:
        return "supported"
    return _CEILINGS[kind](node.evidence)


def _by(criterion: Criterion) -> Callable[[Evidence], Status]:
    def judged(evidence: Evidence) -> Status:
        return grade(citable_interval(evidence), criterion, evidence.metric).status

    return judged


def _sensitivity(evidence: Evidence) -> Status:
    """A target below the floor supports nothing, so the bound must reach the floor at least."""
    low, _ = citable_interval(evidence)
    return "supported" if low >= criteria.WATCHED.weakest() else "weak"


def _benign_rate(evidence: Evidence) -> Status:
    _, high = citable_interval(evidence)
    sure = 1 - evidence.confidence <= criteria.DELTA.weakest() + EXACT
    return "supported" if high <= criteria.BUDGET.weakest() and sure else "weak"


def _cause(evidence: Evidence) -> Status:
    return "supported" if citable_interval(evidence)[1] < 0 else "defeated"


def _catching(evidence: Evidence) -> Status:
    """Judged by its counts alone; the stated bound must be theirs."""
    caught = round(evidence.estimate * evidence.n)
    lower = catch_lower_bound(caught, evidence.n)
    low, _ = citable_interval(evidence)
    if lower is None or abs(low - lower) > EXACT:
        raise AssayError(
            f"'{evidence.metric}' states a bound of {low:.3g}; {caught} of {evidence.n} give "
            f"{lower if lower is None else format(lower, '.3g')}"
        )
    return judge_catching(caught, evidence.n, evidence.unit).status


def _recall(evidence: Evidence) -> Status:
    low, high = citable_interval(evidence)
    if keeps(criteria.ERROR_OVER_FEATURE, high):
        return "supported"
    return "defeated" if low > 0 else "weak"


_CEILINGS: dict[str, Callable[[Evidence], Status]] = {
    "variance": _by(criteria.VARIANCE),
    "cross_entropy": _by(criteria.CROSS_ENTROPY),
    "purity": _by(criteria.SEPARATED),
    "missed": _by(criteria.MISSED),
    "recall": _recall,
    "labels": _by(criteria.LABELS),
    "detection": _sensitivity,
    "sensitivity": _sensitivity,
    "benign_rate": _benign_rate,
    "cause": _cause,
    "catching": _catching,
}
"""First part of a solution's name → the best status of its figure."""
