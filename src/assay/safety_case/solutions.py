"""Solutions: the leaves of the argument, each one figure with its hash, interval and n."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from assay.safety_case.criteria import Judgement
from assay.safety_case.inputs import CaseInputs, Summary
from assay.safety_case.nodes import Node, NodeEvidence


class Figure(NamedTuple):
    """A number of a stage's summary with all that a claim needs of it."""

    metric: str
    """What was measured."""
    estimate: float
    """The figure."""
    ci: Sequence[float]
    """Its interval; a bound has 0 or 1 at its other end."""
    n: int
    """How many units it rests on."""
    unit: str
    """What is counted."""
    split: str
    """Which data."""
    confidence: float = 0.95
    """Level of the interval."""


def developed(name: str, text: str, evidence: NodeEvidence, judgement: Judgement) -> Node:
    """A solution that was measured and judged."""
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


def cite_summary(
    inputs: CaseInputs,
    summary: Summary,
    figure: Figure,
    further: Mapping[str, str] | None = None,
) -> NodeEvidence:
    """A figure of a stage's summary as a solution cites it.

    ``further`` are inputs beside the stage's own. The hash is the file's.
    """
    return NodeEvidence(
        path=summary.path,
        sha256=summary.sha256,
        metric=figure.metric,
        estimate=figure.estimate,
        ci=(float(figure.ci[0]), float(figure.ci[1])),
        confidence=figure.confidence,
        n=figure.n,
        unit=figure.unit,
        split=figure.split,
        inputs={"model": inputs.model, **summary.inputs, **(further or {})},
    )


def matching(rows: Sequence[Mapping[str, Any]], **wanted: Any) -> list[Mapping[str, Any]]:
    """The rows whose keys have the wanted values."""
    return [row for row in rows if all(row.get(key) == value for key, value in wanted.items())]
