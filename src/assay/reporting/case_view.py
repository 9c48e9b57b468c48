"""The safety case as the page's template wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.safety_case.nodes import Node, SafetyCase

CLAIMS = ("goal", "strategy")
STATUS_WORDS = {
    "supported": "the evidence meets the stated criterion, all the way down",
    "weak": "there is evidence, and it falls short, or a defeater is open",
    "open": "nothing was done for it, or what was done no longer holds",
    "defeated": "the evidence speaks against it",
}


def case_view(case: SafetyCase) -> dict[str, Any]:
    """Top claims with all below them, and how many solutions have each status."""
    solutions = [node for node in case.nodes if node.type == "solution"]
    statuses = [str(node.status) for node in solutions if not node.undeveloped]
    return {
        "model": case.model,
        "created_from": case.created_from,
        "roots": [_branch(case, case.node(root)) for root in case.roots],
        "counts": {status: statuses.count(status) for status in STATUS_WORDS},
        "solutions": len(statuses),
        "undeveloped": sum(node.undeveloped for node in case.nodes),
        "open_defeaters": sum(d.status == "open" for node in case.nodes for d in node.defeaters),
        "words": STATUS_WORDS,
    }


def _branch(case: SafetyCase, node: Node) -> dict[str, Any]:
    return {
        "node": node,
        "context": [case.node(name) for name in node.in_context_of],
        "open": sum(defeater.status == "open" for defeater in node.defeaters),
        "supports": [_branch(case, case.node(name)) for name in node.supported_by],
    }
