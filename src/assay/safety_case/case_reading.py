"""Reading a safety case: every judgement is derived again, from the results beside it."""

from __future__ import annotations

from collections.abc import Mapping
from math import isclose
from pathlib import Path
from typing import Any

from assay.errors import AssayError
from assay.safety_case.building import build_case
from assay.safety_case.ceilings import check_ceilings
from assay.safety_case.result import SafetyCase
from assay.safety_case.results_beside import inputs_beside
from assay.safety_case.status import check_statuses, recheck

TOLERANCE = 1e-9
"""Relative difference that two machines' arithmetic may make."""


def read_case(path: Path) -> SafetyCase:
    """Read ``safety_case.json``, or the folder that holds it, and check all that it says.

    Where the files that the case was built from lie beside it (``transfer.json``, ``monitor.json``,
    ``candidates.json``, ``position.json``, ``evidence/*.json``), the case is built again from them.
    Where none of them does, it is checked as far as its own figures allow.

    Raises AssayError where the file is missing, of another version, or does not fit the schema; where
    a status is not the one that its supports and defeaters give, or better than its figure allows;
    where a file beside it has another hash; and where the case built again differs, naming the node.
    """
    case = SafetyCase.read(path)
    folder = path if path.is_dir() else path.parent
    try:
        check_case(case, folder)
    except AssayError as error:
        raise AssayError(f"{path}: {error}") from error
    return case


def check_case(case: SafetyCase, folder: Path | None = None) -> None:
    """Raise AssayError where the case says more than its figures, or the files in ``folder``, give."""
    check_statuses(case)
    check_statuses_of_another_model(case)
    check_ceilings(case)
    inputs = None if folder is None else inputs_beside(case, folder)
    if inputs is not None:
        check_same(case, build_case(inputs))


def check_statuses_of_another_model(case: SafetyCase) -> None:
    """Raise AssayError where a figure of another model than the case's is not open.

    The claims above it need no look: their statuses follow.
    """
    ruled = recheck(case, {"model": case.model})
    for node in case.nodes:
        if node.type == "solution" and node.status != ruled.node(node.id).status:
            raise AssayError(
                f"node {node.id} says '{node.status}', but its figure was measured on another model "
                f"than the case's, which gives '{ruled.node(node.id).status}'"
            )


def check_same(stored: SafetyCase, derived: SafetyCase) -> None:
    """Raise AssayError that names the first node, or field, in which the two cases differ.

    Solutions come first, because the claims above them follow.
    """
    known, right = [node.id for node in stored.nodes], [node.id for node in derived.nodes]
    for name in right:
        if name not in known:
            raise AssayError(f"the case has no node {name}; the results beside it give one")
    for node in sorted(stored.nodes, key=lambda node: node.type != "solution"):
        if node.id not in right:
            raise AssayError(f"the case has a node {node.id}; the results beside it give none")
        first, second = node.model_dump(mode="json"), derived.node(node.id).model_dump(mode="json")
        for name in first:
            if not _same(first[name], second[name]):
                raise AssayError(
                    f"node {node.id}: its {name} is not what the results beside the case give "
                    f"({_short(first[name])} instead of {_short(second[name])})"
                )
    if known != right:
        raise AssayError("its nodes are not in the order that the results beside the case give")
    for name in ("case", "model", "seed", "concerns", "not_run", "created_from", "roots"):
        if getattr(stored, name) != getattr(derived, name):
            raise AssayError(f"its {name} is not what the results beside the case give")


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, float) and isinstance(second, float | int):
        return isclose(first, second, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return first.keys() == second.keys() and all(_same(first[k], second[k]) for k in first)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(_same, first, second))
    return bool(first == second)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
