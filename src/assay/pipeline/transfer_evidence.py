"""The figures of the transfer matrix on which claims rest, as records of evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assay.evidence import Evidence, write_evidence
from assay.files import read_json
from assay.pipeline.names import CAUGHT
from assay.pipeline.transfer import TRANSFER
from assay.statistics import clopper_pearson


def write_transfer_evidence(folder: Path, seed: int, inputs: dict[str, str]) -> None:
    """Write ``evidence.json`` beside ``transfer.json``: the nested choice, organism by organism."""
    transfer = read_json(folder / TRANSFER)
    records = [r for row in transfer["leave_one_out"] for r in _of_organism(row, seed, inputs)]
    caught, organisms = transfer["catch_bound"]["caught"], transfer["catch_bound"]["organisms"]
    if organisms:
        records.append(
            Evidence(
                metric=CAUGHT,
                estimate=caught / organisms,
                ci=clopper_pearson(caught, organisms),
                method="Clopper–Pearson over organisms",
                n=organisms,
                unit="organisms",
                split="test",
                seed=seed,
                inputs=inputs,
                note="caught: TPR bound and benign bound both within the case's budgets",
            )
        )
    write_evidence(folder / "evidence.json", records)


def _of_organism(row: dict[str, Any], seed: int, inputs: dict[str, str]) -> list[Evidence]:
    name = f"{row['detector']} from {row['strategy']} on {row['held_out']}"
    note = "strategy and detector chosen on the other organisms"
    records = []
    for metric, method in (
        ("auroc", "bootstrap over templates"),
        ("tpr", "Clopper–Pearson over conversations"),
    ):
        if row[metric] is None:
            continue
        n = row["n_positive"] + (row["n_negative"] if metric == "auroc" else 0)
        records.append(
            Evidence(
                metric=f"{metric.upper()} of {name}",
                estimate=row[metric],
                ci=tuple(row[f"{metric}_ci"]),
                method=method,
                n=n,
                unit="conversations",
                split="test",
                seed=seed,
                inputs=inputs,
                note=note,
            )
        )
    return records
