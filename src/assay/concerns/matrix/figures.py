"""Records of evidence from the transfer matrix, which claims of the safety case cite."""

from __future__ import annotations

from assay.concerns.matrix.result import LeftOut, TransferMatrix
from assay.evidence import Evidence
from assay.statistics import clopper_pearson

CAUGHT = "held-out organisms caught"
"""Metric: share of the organisms that a detector chosen without them caught."""
CAUGHT_MAKINGS = "ways of making an organism of which all were caught"
"""Metric: the same over makings, since organisms made alike are not independent."""
CHOSEN_ELSEWHERE = "strategy and detector chosen on the other organisms"


def matrix_evidence(matrix: TransferMatrix) -> list[Evidence]:
    """Records of each leave-one-out choice (AUROC and TPR), and of the share of organisms caught."""
    records = [record for row in matrix.leave_one_out for record in _of_organism(matrix, row)]
    bound = matrix.catch_bound
    if bound.organisms:
        records.append(
            Evidence(
                metric=CAUGHT,
                estimate=bound.caught / bound.organisms,
                ci=clopper_pearson(bound.caught, bound.organisms),
                method="Clopper–Pearson over organisms that passed their verification",
                n=bound.organisms,
                unit="organisms",
                split=matrix.split,
                seed=matrix.seed,
                inputs=matrix.inputs,
                note="caught: an admitted cell, chosen without the organism",
            )
        )
    if bound.makings:
        records.append(
            Evidence(
                metric=CAUGHT_MAKINGS,
                estimate=bound.caught_makings / bound.makings,
                ci=clopper_pearson(bound.caught_makings, bound.makings),
                method="Clopper–Pearson over makings: one base model and one recipe maker",
                n=bound.makings,
                unit="makings",
                split=matrix.split,
                seed=matrix.seed,
                inputs=matrix.inputs,
                note="a making is caught where all of its organisms were",
            )
        )
    return records


def _of_organism(matrix: TransferMatrix, row: LeftOut) -> list[Evidence]:
    figures = (
        ("AUROC", row.auroc, row.auroc_ci, row.n_positive + row.n_negative, "templates"),
        ("TPR", row.tpr, row.tpr_ci, row.n_positive, "conversations"),
    )
    methods = {
        "templates": "Student t of the bootstrap over templates",
        "conversations": "Clopper–Pearson on the effective number of conversations, by template",
    }
    return [
        Evidence(
            metric=f"{name} of {row.detector} from {row.strategy} on {row.held_out}",
            estimate=estimate,
            ci=None if ci is None else (min(ci[0], estimate), max(ci[1], estimate)),
            method=methods[resampled],
            n=n,
            unit="conversations",
            split=matrix.split,
            seed=matrix.seed,
            inputs=matrix.inputs,
            note=CHOSEN_ELSEWHERE,
        )
        for name, estimate, ci, n, resampled in figures
        if estimate is not None
    ]
