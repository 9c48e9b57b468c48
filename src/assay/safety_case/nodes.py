"""The safety case as data: nodes in Goal Structuring Notation, their evidence and defeaters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import ConfigDict, Field, model_validator

from assay.errors import AssayError, unknown_name
from assay.evidence import Evidence
from assay.strict import StrictModel

Status = Literal["supported", "weak", "open", "defeated"]
NodeType = Literal["goal", "strategy", "solution", "context", "assumption", "justification"]
DefeaterStatus = Literal["answered", "partly answered", "open"]
CLAIMS = ("goal", "strategy")
"""Types whose status follows from what supports them."""
SHA256 = r"^[0-9a-f]{64}$"


class Defeater(StrictModel):
    """A reason why a claim may be wrong in spite of its evidence."""

    id: str = Field(min_length=1)
    """Unique within the case, such as D1."""
    text: str = Field(min_length=1)
    """The doubt, in words."""
    response: str | None = None
    """What the evidence says to it, or None where nothing does."""
    status: DefeaterStatus = "open"
    """``open``: unanswered, with or without a response; it caps the claim at weak."""

    @model_validator(mode="after")
    def _an_answer_has_words(self) -> Defeater:
        if self.status != "open" and self.response is None:
            raise AssayError(f"defeater {self.id} is '{self.status}' without a response")
        return self


class NodeEvidence(StrictModel):
    """The figure that a solution stands on, as it was when the case was made."""

    model_config = ConfigDict(allow_inf_nan=False)

    path: str = Field(min_length=1)
    """The file that holds the figure, relative to the case's output folder."""
    sha256: str = Field(pattern=SHA256)
    """Hash of the record of evidence (canonical JSON), or of the whole file where it holds none."""
    metric: str = Field(min_length=1)
    """What was measured."""
    estimate: float
    """The figure."""
    ci: tuple[float, float]
    """Its confidence interval; a bound has 0 or 1 at its other end."""
    confidence: float = Field(gt=0, lt=1)
    """Level of the interval."""
    n: int = Field(ge=1)
    """How many units the figure rests on."""
    unit: str = Field(min_length=1)
    """What is counted: documents, conversations, features, organisms."""
    split: str = Field(min_length=1)
    """Which data: train, held_out, discover, threshold, test."""
    inputs: dict[str, str]
    """Name → hash of what it was computed from: model, dictionary, text, threshold."""


class Node(StrictModel):
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
    evidence: NodeEvidence | None = None
    """What a solution rests on; None for every other type and for what is undeveloped."""
    defeaters: tuple[Defeater, ...] = ()
    """Doubts about it."""

    @model_validator(mode="after")
    def _solution_shows_its_evidence(self) -> Node:
        if self.type == "solution" and not self.undeveloped and self.evidence is None:
            raise AssayError(
                f"solution {self.id} has no evidence: it needs a hash, an interval and n, "
                "or to be undeveloped"
            )
        if self.evidence is not None and (self.type != "solution" or self.undeveloped):
            raise AssayError(f"node {self.id}: only a developed solution carries evidence")
        if self.type not in CLAIMS and self.supported_by:
            raise AssayError(f"node {self.id}: a {self.type} is not supported by other nodes")
        return self


class SafetyCase(StrictModel):
    """An argument from claims to numbers that a reviewer can check."""

    version: Literal[1] = 1
    """Version of the format."""
    case: str = Field(min_length=1)
    """Name of the case."""
    model: str = Field(pattern=SHA256)
    """Fingerprint of the model that the case speaks of, and of no other."""
    created_from: dict[str, str]
    """Path → sha256 of the files that it was built from."""
    roots: tuple[str, ...] = Field(min_length=1)
    """Ids of the top claims."""
    nodes: tuple[Node, ...] = Field(min_length=1)
    """All nodes, each before what supports it."""

    @model_validator(mode="after")
    def _is_a_tree_of_known_nodes(self) -> SafetyCase:
        ids = [node.id for node in self.nodes]
        doubts = [defeater.id for node in self.nodes for defeater in node.defeaters]
        for kind, names in (("nodes", ids), ("defeaters", doubts)):
            for name in names:
                if names.count(name) > 1:
                    raise AssayError(f"two {kind} of the safety case have the id '{name}'")
        for root in self.roots:
            _known(root, ids, "the roots")
        for node in self.nodes:
            for other in (*node.supported_by, *node.in_context_of):
                _known(other, ids, f"node {node.id}")
        unreached = set(ids) - set(reached(self))
        if unreached:
            raise AssayError(f"no root of the safety case leads to {', '.join(sorted(unreached))}")
        return self

    def node(self, name: str) -> Node:
        """The node of that id. Raises AssayError with the valid ids for any other."""
        _known(name, [node.id for node in self.nodes], f"case {self.case}")
        return next(node for node in self.nodes if node.id == name)


def reached(case: SafetyCase) -> list[str]:
    """Ids from the roots down, each after all that supports it.

    Raises AssayError where a claim supports itself.
    """
    by_id = {node.id: node for node in case.nodes}
    done: dict[str, None] = {}

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise AssayError(f"the argument is circular: {' → '.join((*above, name))}")
        if name in done:
            return
        node = by_id[name]
        for other in (*node.in_context_of, *node.supported_by):
            visit(other, (*above, name))
        done[name] = None

    for root in case.roots:
        visit(root, ())
    return list(done)


def cite(path: str, record: Evidence) -> NodeEvidence:
    """A record of evidence as a solution cites it.

    Raises AssayError where it has no interval or rests on nothing.
    """
    if record.ci is None or record.n < 1:
        missing = "confidence interval" if record.ci is None else "n"
        raise AssayError(f"{path}: '{record.metric}' has no {missing}; no claim can rest on it")
    return NodeEvidence(
        path=path,
        sha256=record.sha256,
        metric=record.metric,
        estimate=record.estimate,
        ci=record.ci,
        confidence=record.confidence,
        n=record.n,
        unit=record.unit,
        split=record.split,
        inputs=dict(record.inputs),
    )


def _known(name: str, ids: Sequence[str], where: str) -> None:
    if name not in ids:
        raise unknown_name("node", name, ids, where)
