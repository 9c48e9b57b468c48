"""How many organisms were caught by detectors that were not learned from them, and how that grows."""

from __future__ import annotations

from assay.concerns.matrix.figures import catching_evidence, last_point, learning_evidence
from assay.concerns.matrix.reference_result import FEWEST_TESTED, LearningPoint
from assay.concerns.matrix.result import TransferMatrix
from assay.safety_case.case_inputs import CaseInputs
from assay.safety_case.grading import Judgement
from assay.safety_case.judging_matrix import (
    check_catch_bound,
    judge_catching,
    judge_learning,
    weaker_catching,
)
from assay.safety_case.nodes import Node
from assay.safety_case.phrases import limit_sentence, plural
from assay.safety_case.solutions import developed, undeveloped


def catching_solution(inputs: CaseInputs) -> Node:
    """For V1.1: the share caught, over organisms or over ways of making them: the weaker decides.

    Raises AssayError where the matrix states another bound than its counts give.
    """
    text = "Organisms are caught by detectors that were not built from them."
    matrix = inputs.transfer
    if matrix is None:
        return undeveloped("catching", text, inputs.missing("transfer"))
    bound = matrix.catch_bound
    check_catch_bound(bound)
    if not bound.organisms:
        return undeveloped("catching", text, "No organism was tested.")
    if not bound.makings:
        return undeveloped("catching", text, "How the organisms were made is not stated.")
    caught, of, unit = weaker_catching(bound)
    evidence = catching_evidence(matrix, unit).model_copy(update={"file": TransferMatrix.FILE})
    judgement = judge_catching(caught, of, unit)
    other = (
        f"{bound.caught} of {bound.organisms} organisms"
        if unit == "makings"
        else f"{bound.caught_makings} of {bound.makings} makings"
    )
    why = (
        f"{judgement.why} The worse of two counts decides; the other is {other}. "
        f"{limit_sentence(matrix)}"
    )
    return developed("catching", text, evidence, Judgement(judgement.status, why))


def learning_curve_solution(inputs: CaseInputs) -> Node:
    """For V1.1: the last point of the learning curve of the model's own state."""
    text = "What other organisms taught tells an organism's misdeeds from its other conversations."
    matrix = inputs.transfer
    if matrix is None:
        return undeveloped("learning_curve", text, inputs.missing("transfer"))
    last = last_point(matrix)
    if last is None:
        return undeveloped("learning_curve", text, "No detector could be learned from others.")
    if last.auroc_ci is None:
        why = f"{last.tested} organisms were tested, {FEWEST_TESTED} are needed for an interval."
        return undeveloped("learning_curve", text, why)
    evidence = learning_evidence(matrix, last).model_copy(update={"file": TransferMatrix.FILE})
    judged = judge_learning(*last.auroc_ci, last.organisms)
    why = f"{judged.why} {_tested_in_words(matrix, last)}"
    return developed("learning_curve", text, evidence, Judgement(judged.status, why))


def _tested_in_words(matrix: TransferMatrix, last: LearningPoint) -> str:
    """How many organisms it rests on, and what breadth alone gives."""
    verified = sum(o.admitted for o in matrix.organisms if o.twin_of is None)
    alike = [
        p
        for p in matrix.learning_curve
        if (p.view, p.amount, p.organisms) == (last.view, "equal", last.organisms)
    ]
    equal = (
        f" With as many conversations in all as one organism has, it is {alike[0].auroc:.2f}."
        if alike
        else ""
    )
    return (
        f"{plural(last.tested, 'organism')} tested, {verified} of them verified; over so few the "
        f"interval is approximate.{equal}"
    )
