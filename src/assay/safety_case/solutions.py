"""Solutions: the leaves of the argument, each one figure with its file, interval and n."""

from __future__ import annotations

from assay.evidence import Evidence
from assay.safety_case.criteria import Judgement
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
