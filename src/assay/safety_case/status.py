"""How strong each claim is: the weakest support, open defeaters, and what no longer holds."""

from __future__ import annotations

from collections.abc import Mapping

from assay.errors import AssayError
from assay.safety_case.grading import weakest
from assay.safety_case.nodes import CLAIMS, Node, Status
from assay.safety_case.result import SafetyCase, reached


def settle(case: SafetyCase) -> SafetyCase:
    """The case with every status as the rules give it, from the solutions up.

    A goal or strategy is as strong as its weakest support. What is undeveloped is open. An open
    defeater makes its node weak at most. Contexts, assumptions and justifications have no status.
    Raises AssayError for a claim that nothing supports and that is not undeveloped, and for a
    solution without a status.
    """
    by_id = {node.id: node for node in case.nodes}
    for name in reached(case):
        node = by_id[name]
        supports = [by_id[other] for other in node.supported_by]
        by_id[name] = node.model_copy(update={"status": _status(node, supports)})
    return case.model_copy(update={"nodes": tuple(by_id[node.id] for node in case.nodes)})


def recheck(case: SafetyCase, hashes: Mapping[str, str]) -> SafetyCase:
    """The case as it stands today: solutions whose inputs changed are open, and so are their claims.

    ``hashes`` maps the name of an input (model, dictionary, text, threshold …) or the path of a file
    in ``created_from`` to its sha256 now; what it does not name counts as unchanged.
    """
    nodes = []
    for node in case.nodes:
        changed = _changed(case, node, hashes)
        if changed:
            why = f"No longer holds: {', '.join(changed)} changed since it was measured."
            status = weakest(["open", node.status or "open"])
            node = node.model_copy(update={"status": status, "why": why})
        nodes.append(node)
    return settle(case.model_copy(update={"nodes": tuple(nodes)}))


def check_statuses(case: SafetyCase) -> None:
    """Raise AssayError where a stored status is not the one that the rules give."""
    for stored, ruled in zip(case.nodes, settle(case).nodes, strict=True):
        if stored.status != ruled.status:
            raise AssayError(
                f"node {stored.id} says '{stored.status}', its supports and defeaters give "
                f"'{ruled.status}'"
            )


def _status(node: Node, supports: list[Node]) -> Status | None:
    if node.undeveloped:
        return "open"
    if node.type in CLAIMS:
        if not supports:
            raise AssayError(f"nothing supports {node.id}; mark it as undeveloped")
        own = weakest([_stated(support) for support in supports])
    elif node.type == "solution":
        own = _stated(node)
    else:
        return None
    doubted = any(defeater.status == "open" for defeater in node.defeaters)
    return weakest([own, "weak"]) if doubted else own


def _stated(node: Node) -> Status:
    if node.status is None:
        raise AssayError(f"node {node.id}, a {node.type}, has no status and can support nothing")
    return node.status


def _changed(case: SafetyCase, node: Node, hashes: Mapping[str, str]) -> list[str]:
    """Names of the inputs and the file of a node's figure whose hash is another one now."""
    if node.evidence is None:
        return []
    measured = dict(node.evidence.inputs)
    if node.evidence.file is not None:
        measured[node.evidence.file] = case.created_from[node.evidence.file]
    return sorted(name for name, was in measured.items() if name in hashes and hashes[name] != was)
