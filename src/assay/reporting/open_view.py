"""What is open: undeveloped claims, doubts without an answer, and what failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.safety_case.nodes import SafetyCase


def open_view(case: SafetyCase | None, transfer: Mapping[str, Any] | None) -> dict[str, Any]:
    """Lists of everything that a reader must not overlook; empty where there is nothing."""
    nodes = case.nodes if case is not None else ()
    content = transfer or {}
    organisms = content.get("organisms") or []
    twins = {organism["name"] for organism in organisms if organism.get("twin_of")}
    cells = [cell for cell in content.get("cells") or [] if cell["organism"] not in twins]
    return {
        "undeveloped": [node for node in nodes if node.undeveloped],
        "stale": [node for node in nodes if node.type == "solution" and _stale(node)],
        "defeaters": [
            (node, defeater)
            for node in nodes
            for defeater in node.defeaters
            if defeater.status != "answered"
        ],
        "failures": [c for c in cells if c["verdict"] in ("rejected", "detects the trigger")],
        "not_admitted": [o for o in organisms if o.get("admitted") is False],
    }


def _stale(node: Any) -> bool:
    return node.status == "open" and not node.undeveloped
