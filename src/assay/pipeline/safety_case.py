"""The safety-case stage: from the other stages' records to an argument with statuses."""

from __future__ import annotations

from pathlib import Path

from assay.evidence import read_evidence
from assay.files import sha256_of
from assay.pipeline.opened import OpenedCase


def write_safety_case(opened: OpenedCase, measured: dict[str, Path], folder: Path) -> None:
    """Write ``safety_case.json`` from the artefacts of the stages that were run."""
    from assay.safety_case.building import build_case
    from assay.safety_case.export import write_case
    from assay.safety_case.inputs import CaseInputs, Sourced, Summary, read_summary

    evidence: list[Sourced] = []
    files: dict[str, str] = {}
    for name, made in measured.items():
        path = made / "evidence.json"
        if path.is_file():
            shown = f"evidence/{name}.json"
            files[shown] = sha256_of(path)
            evidence += [Sourced(shown, record) for record in read_evidence(path)]
    inputs = {"model": opened.model.fingerprint}

    def summary(stage: str) -> Summary | None:
        file = f"{stage}.json"
        if stage not in measured or not (measured[stage] / file).is_file():
            return None
        return read_summary(measured[stage], file, inputs)

    case = build_case(
        CaseInputs(
            case=opened.case.name,
            model=opened.model.fingerprint,
            evidence=tuple(evidence),
            transfer=summary("transfer"),
            monitor=summary("monitor"),
            candidates=summary("candidates"),
            concerns=tuple(choice.name for choice in opened.case.concerns),
            files=files,
        )
    )
    write_case(folder, case)
