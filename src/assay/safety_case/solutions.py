"""Solutions: the leaves of the argument, each one figure with its file, interval and n."""

from __future__ import annotations

from collections.abc import Mapping

from assay.errors import AssayError
from assay.evidence import Evidence
from assay.safety_case.grading import Judgement, weakest
from assay.safety_case.nodes import Node


def developed(name: str, text: str, evidence: Evidence, judgement: Judgement) -> Node:
    """A solution that was measured and judged. Raises AssayError where the figure is incomplete."""
    return Node(
        id=f"Sn.{name}",
        type="solution",
        label="Sn",
        text=text,
        evidence=evidence,
        status=judgement.status,
        why=judgement.why,
    )


def undeveloped(name: str, text: str, why: str) -> Node:
    """A solution that was not measured, and why."""
    return Node(
        id=f"Sn.{name}",
        type="solution",
        label="Sn",
        text=text,
        undeveloped=True,
        status="open",
        why=why,
    )


def also_from(
    cited: tuple[Evidence, Judgement],
    file: str,
    inputs: Mapping[str, str],
    files: Mapping[str, str],
) -> tuple[Evidence, Judgement]:
    """A figure whose judgement also rests on another file, and on that file's inputs.

    The other file is listed among the figure's inputs under its name, with its hash. Where the two
    files were computed from different things of one name, the judgement is open at most. Raises
    AssayError where ``files`` has no hash of the other file.
    """
    evidence, judgement = cited
    if file not in files:
        raise AssayError(
            f"'{evidence.metric}' also cites {file}, and created_from has no hash of that file"
        )
    differ = [
        name
        for name in sorted(set(inputs) & set(evidence.inputs))
        if inputs[name] != evidence.inputs[name]
    ]
    if differ:
        why = f"{evidence.file} and {file} were not computed from the same {', '.join(differ)}."
        judgement = Judgement(weakest([judgement.status, "open"]), f"{judgement.why} {why}")
    merged = {**inputs, **evidence.inputs, file: files[file]}
    return evidence.model_copy(update={"inputs": merged}), judgement
