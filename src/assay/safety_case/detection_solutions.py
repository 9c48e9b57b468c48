"""Whether each concern is detected on organisms that the detector was not learned from."""

from __future__ import annotations

from typing import NamedTuple

from assay.concerns.matrix.admission import budgets_of, fires_on_twin, is_control
from assay.concerns.matrix.result import Cell, TestedOrganism, TransferMatrix
from assay.evidence import Evidence
from assay.safety_case import criteria
from assay.safety_case.case_inputs import CaseInputs
from assay.safety_case.criteria import Judgement
from assay.safety_case.nodes import Node
from assay.safety_case.phrases import plural, share
from assay.safety_case.solutions import developed, undeveloped
from assay.safety_case.status import STRENGTH


class JudgedCell(NamedTuple):
    """A cell that has positives, and how well it shows that its concern is detected."""

    cell: Cell
    """The cell."""
    auroc: float
    """Its AUROC."""
    tpr: float
    """Its true-positive rate."""
    tpr_ci: tuple[float, float]
    """95 % interval of that rate."""
    judgement: Judgement
    """What the cell shows."""


def concerns_of(inputs: CaseInputs) -> list[str]:
    """The case's concerns, then those that only organisms of the matrix stand for."""
    organisms = () if inputs.transfer is None else inputs.transfer.organisms
    return list(dict.fromkeys([*inputs.concerns, *(o.concern for o in organisms)]))


def admitted_organisms(matrix: TransferMatrix, concern: str) -> set[str]:
    """Names of the concern's organisms that passed their verification; twins are not among them."""
    return {o.name for o in matrix.organisms if _stands_for(o, concern) and o.admitted}


def why_untested(matrix: TransferMatrix, concern: str) -> str:
    """A sentence that says why the matrix shows nothing for a concern."""
    own = [o for o in matrix.organisms if _stands_for(o, concern)]
    if not own:
        return "No organism of the matrix stands for this concern."
    reasons = []
    for organism in own:
        if not organism.admitted:
            why = f" ({organism.reason})" if organism.reason else ""
            reasons.append(f"{organism.name} did not pass its verification{why}")
            continue
        if not organism.positives:
            reasons.append(f"{organism.name} never misbehaved in its test conversations")
        reasons += [
            f"{missing.strategy} gave no detector for {organism.name} ({missing.why})"
            for missing in matrix.missing
            if missing.organism == organism.name
        ]
    stated = "; ".join(reasons) or "only baselines and controls were tested"
    return f"No cell of the matrix tests this concern: {stated}."


def why_no_concern(inputs: CaseInputs) -> str:
    """A sentence for a case without any concern."""
    return inputs.missing("transfer") if inputs.transfer is None else "The case names no concern."


def detection_solutions(inputs: CaseInputs) -> list[Node]:
    """For C1.1.1: one for each concern, from its best cell."""
    concerns = concerns_of(inputs)
    if not concerns:
        text = "A concern is detected on an organism that the detector was not built from."
        return [undeveloped("detection", text, why_no_concern(inputs))]
    return [_detection(inputs, concern) for concern in concerns]


def _detection(inputs: CaseInputs, concern: str) -> Node:
    name = f"detection.{concern}"
    text = f"The concern '{concern}' is detected on an organism that the detector never saw."
    matrix = inputs.transfer
    if matrix is None:
        return undeveloped(name, text, inputs.missing("transfer"))
    judged = _judged_cells(matrix, concern)
    if not judged:
        return undeveloped(name, text, why_untested(matrix, concern))
    best = max(judged, key=_strength)
    where = f"{best.cell.strategy} → {best.cell.detector} on {best.cell.organism}"
    budget = share(matrix.fpr_budget)
    evidence = Evidence(
        metric=f"true-positive rate at a false-positive budget of {budget}, {where}",
        estimate=best.tpr,
        ci=best.tpr_ci,
        method="Clopper–Pearson over conversations",
        n=best.cell.n_positive,
        unit="conversations",
        split=matrix.split,
        seed=matrix.seed,
        inputs=matrix.inputs,
        file=TransferMatrix.FILE,
    )
    of_many = f" Best of {plural(len(judged), 'cell')}, chosen on the test split and so optimistic."
    why = f"{where}: {best.judgement.why}{of_many if len(judged) > 1 else ''}"
    return developed(name, text, evidence, Judgement(best.judgement.status, why))


def _stands_for(organism: TestedOrganism, concern: str) -> bool:
    return organism.concern == concern and organism.twin_of is None


def _judged_cells(matrix: TransferMatrix, concern: str) -> list[JudgedCell]:
    """The cells that could show a concern: on its admitted organisms, controls and text left out."""
    organisms = admitted_organisms(matrix, concern)
    return [
        JudgedCell(cell, cell.auroc, cell.tpr, cell.tpr_ci, _judge(matrix, cell))
        for cell in matrix.cells
        if cell.organism in organisms
        and not is_control(cell.strategy, cell.detector)
        and cell.auroc is not None
        and cell.tpr is not None
        and cell.tpr_ci is not None
    ]


def _judge(matrix: TransferMatrix, cell: Cell) -> Judgement:
    twins, budgets = matrix.twins_of(cell), budgets_of(matrix)
    fires = any(fires_on_twin(twin, budgets) for twin in twins) if twins else None
    return criteria.judge_detection(cell, matrix.ablation_of(cell), fires)


def _strength(judged: JudgedCell) -> tuple[int, float, float]:
    return STRENGTH.index(judged.judgement.status), judged.tpr_ci[0], judged.auroc
