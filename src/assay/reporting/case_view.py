"""The safety case as the page's template wants it: what decides each claim, then the argument."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from assay.safety_case.nodes import Defeater, Node, Status
from assay.safety_case.result import SafetyCase

STATUS_WORDS: dict[Status, str] = {
    "supported": "the evidence meets the stated criterion, all the way down",
    "weak": "there is evidence, and it falls short, or a defeater is open",
    "open": "nothing was done for it, or what was done no longer holds",
    "defeated": "the evidence speaks against it",
}


@dataclass(frozen=True)
class Branch:
    """A node with all below it."""

    node: Node
    """The node."""
    context: tuple[Node, ...]
    """In which contexts it is to be read."""
    open_defeaters: int
    """Doubts about it without an answer."""
    supports: tuple[Branch, ...]
    """What it rests on."""


@dataclass(frozen=True)
class StatusCount:
    """How many measured solutions have one status."""

    status: Status
    """The status."""
    count: int
    """How many."""


@dataclass(frozen=True)
class DecidedClaim:
    """A top claim, and the weakest of what it rests on."""

    claim: Node
    """The claim."""
    because: tuple[Node, ...]
    """Solutions and undeveloped nodes below it that are as weak as the claim."""
    doubts: tuple[Defeater, ...]
    """Open defeaters below it that hold it down; empty where solutions already do."""


@dataclass(frozen=True)
class CaseView:
    """Everything that the section shows."""

    case: SafetyCase
    """The whole case."""
    decided: tuple[DecidedClaim, ...]
    """The top claims, each with what decides it."""
    roots: tuple[Branch, ...]
    """Top claims with all below them."""
    counts: tuple[StatusCount, ...]
    """Measured solutions by status."""
    solutions: int
    """Measured solutions."""
    undeveloped: int
    """Nodes for which nothing was done."""
    open_defeaters: int
    """Doubts without an answer."""
    words: dict[Status, str]
    """What each status means."""


def view_case(case: SafetyCase) -> CaseView:
    """Top claims with what decides them and all below them, and how the solutions stand."""
    measured = [
        node.status for node in case.nodes if node.type == "solution" and not node.undeveloped
    ]
    counts = [StatusCount(status, measured.count(status)) for status in STATUS_WORDS]
    return CaseView(
        case=case,
        decided=tuple(_decided(case, case.node(root)) for root in case.roots),
        roots=tuple(_branch(case, case.node(root)) for root in case.roots),
        counts=tuple(found for found in counts if found.count),
        solutions=len(measured),
        undeveloped=sum(node.undeveloped for node in case.nodes),
        open_defeaters=sum(_open(node) for node in case.nodes),
        words=STATUS_WORDS,
    )


def _decided(case: SafetyCase, claim: Node) -> DecidedClaim:
    below = list(dict.fromkeys(node.id for node in _below(case, claim)))
    nodes = [case.node(name) for name in below]
    because: tuple[Node, ...] = ()
    if claim.status != "supported":
        because = tuple(
            node
            for node in nodes
            if (node.type == "solution" or node.undeveloped) and node.status == claim.status
        )
    doubts: tuple[Defeater, ...] = ()
    if claim.status == "weak":
        doubts = tuple(d for node in nodes for d in node.defeaters if d.status == "open")
    return DecidedClaim(claim, because, doubts)


def _below(case: SafetyCase, node: Node) -> Iterator[Node]:
    yield node
    for name in node.supported_by:
        yield from _below(case, case.node(name))


def _branch(case: SafetyCase, node: Node) -> Branch:
    return Branch(
        node=node,
        context=tuple(case.node(name) for name in node.in_context_of),
        open_defeaters=_open(node),
        supports=tuple(_branch(case, case.node(name)) for name in node.supported_by),
    )


def _open(node: Node) -> int:
    return sum(defeater.status == "open" for defeater in node.defeaters)
