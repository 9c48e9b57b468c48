"""Nodes of the argument, in Goal Structuring Notation, with their evidence and defeaters."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from assay.errors import AssayError
from assay.evidence import Evidence
from assay.results import Figures

Status = Literal["supported", "weak", "open", "defeated"]
NodeType = Literal["goal", "strategy", "solution", "context", "assumption", "justification"]
DefeaterStatus = Literal["answered", "partly answered", "open"]
CLAIMS = ("goal", "strategy")
"""Types whose status follows from the nodes that support them."""


class Defeater(Figures):
    """A reason why a claim may be wrong in spite of its evidence."""

    id: str = Field(min_length=1)
    """Unique within the case, such as D1."""
    text: str = Field(min_length=1)
    """The doubt, in words."""
    response: str | None = None
    """What the evidence says about it, or None where the evidence says nothing."""
    status: DefeaterStatus = "open"
    """``open``: unanswered, with or without a response; its node is then weak at most."""

    @model_validator(mode="after")
    def _an_answer_has_words(self) -> Defeater:
        if self.status != "open" and self.response is None:
            raise AssayError(f"defeater {self.id} is '{self.status}' without a response")
        return self


class Node(Figures):
    """One element of the argument."""

    id: str = Field(min_length=1)
    """Unique within the case."""
    type: NodeType
    """Its role in Goal Structuring Notation."""
    label: str = Field(min_length=1)
    """Short name for people: the sketch's label, such as C1.1.1, or a solution's number."""
    text: str = Field(min_length=1)
    """What it states."""
    supported_by: tuple[str, ...] = ()
    """Ids of the nodes that a goal or strategy rests on."""
    in_context_of: tuple[str, ...] = ()
    """Ids of the contexts, assumptions and justifications in which it is to be read."""
    undeveloped: bool = False
    """Whether nothing was done for it; it is then open."""
    status: Status | None = None
    """How well it stands; None for contexts, assumptions and justifications, which prove nothing."""
    why: str = ""
    """What decided the status, in words."""
    evidence: Evidence | None = None
    """The figure that a developed solution rests on, with its file, interval, n and input hashes;
    None for every other node."""
    defeaters: tuple[Defeater, ...] = ()
    """Doubts about it."""

    @model_validator(mode="after")
    def _only_solutions_show_evidence(self) -> Node:
        if self.type == "solution" and not self.undeveloped:
            if self.evidence is None:
                raise AssayError(
                    f"solution {self.id} has no evidence: it needs a figure with its file, interval, "
                    "n and input hashes, or to be undeveloped"
                )
            citable_interval(self.evidence)
        elif self.evidence is not None:
            raise AssayError(f"node {self.id}: only a developed solution has evidence")
        if self.type not in CLAIMS and self.supported_by:
            raise AssayError(f"node {self.id}: a {self.type} is not supported by other nodes")
        return self


def citable_interval(evidence: Evidence) -> tuple[float, float]:
    """The interval of a figure on which a claim may rest.

    Raises AssayError where the figure does not state its file, interval, at least one unit, or the
    hash of the model that it was measured on.
    """
    shown = f"{evidence.file or 'an unnamed file'}: '{evidence.metric}'"
    if evidence.ci is None:
        raise AssayError(f"{shown} has no confidence interval; no claim can rest on it")
    for lacking, what in (
        (evidence.n < 1, "has no n"),
        (not evidence.file, "does not state its file"),
        ("model" not in evidence.inputs, "does not state the hash of its model"),
    ):
        if lacking:
            raise AssayError(f"{shown} {what}; no claim can rest on it")
    return evidence.ci
