"""The results that lie beside a stored case, as the inputs that it was built from."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from assay.concerns.candidates.result import CandidateReport
from assay.concerns.matrix.result import TransferMatrix
from assay.errors import AssayError
from assay.evidence import Evidence, read_evidence
from assay.files import sha256_of
from assay.monitoring.result import Monitor
from assay.position.result import PositionResult
from assay.results import Result
from assay.safety_case.case_inputs import CaseInputs
from assay.safety_case.result import SafetyCase

RESULTS = (PositionResult, TransferMatrix, CandidateReport, Monitor)
"""Results of which a case may be built; every other file that it was built from holds evidence."""

Kind = TypeVar("Kind", bound=Result)


def inputs_beside(case: SafetyCase, folder: Path) -> CaseInputs | None:
    """What the case was built from, read anew; None where none of its files is in the folder.

    Raises AssayError where one of them is missing or has another hash than the case states, and where
    a result lies there that the case leaves out.
    """
    known = {kind.FILE for kind in RESULTS}
    there = [name for name in case.created_from if (folder / name).is_file()]
    left_out = sorted(n for n in known - set(case.created_from) if (folder / n).is_file())
    if not there and not left_out:
        return None
    if left_out:
        raise AssayError(f"it was not built from {left_out[0]}, which lies beside it")
    for name, sha256 in case.created_from.items():
        if name not in there:
            raise AssayError(f"it was built from {name}, which is not beside it as the others are")
        if sha256_of(folder / name) != sha256:
            raise AssayError(f"{name} beside it is not the file that it was built from")
    evidence = [name for name in case.created_from if name not in known]
    return CaseInputs(
        case=case.case,
        model=case.model,
        seed=case.seed,
        concerns=case.concerns,
        evidence=tuple(record for name in evidence for record in _cited(folder, name)),
        position=_read(PositionResult, case, folder),
        transfer=_read(TransferMatrix, case, folder),
        candidates=_read(CandidateReport, case, folder),
        monitor=_read(Monitor, case, folder),
        not_run=case.not_run,
        files=case.created_from,
    )


def _read(kind: type[Kind], case: SafetyCase, folder: Path) -> Kind | None:
    return kind.read(folder / kind.FILE) if kind.FILE in case.created_from else None


def _cited(folder: Path, name: str) -> list[Evidence]:
    return [r.model_copy(update={"file": name}) for r in read_evidence(folder / name)]
