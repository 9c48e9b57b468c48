"""safety_case.json and the tree for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from assay.errors import AssayError
from assay.files import read_json, write_json
from assay.safety_case.nodes import Node, SafetyCase
from assay.safety_case.status import check_statuses
from assay.strict import describe

SAFETY_CASE = "safety_case.json"
WIDTH = 80


def write_case(folder: Path, case: SafetyCase) -> Path:
    """Write ``safety_case.json`` into a folder, atomically. Returns its path."""
    write_json(folder / SAFETY_CASE, case.model_dump(mode="json"))
    return folder / SAFETY_CASE


def read_case(path: Path) -> SafetyCase:
    """Read ``safety_case.json``, or the folder that holds it.

    Raises AssayError where it does not fit the schema, or where a status is not the one that its
    supports and defeaters give.
    """
    path = path / SAFETY_CASE if path.is_dir() else path
    value = read_json(path)
    try:
        case = SafetyCase.model_validate(value)
        check_statuses(case)
    except ValidationError as error:
        raise AssayError(f"{path}: {describe(error)}") from error
    except AssayError as error:
        raise AssayError(f"{path}: {error}") from error
    return case


def safety_case_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the file: ``docs/schemas/safety_case.schema.json``."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **SafetyCase.model_json_schema(),
        "title": "Safety case",
    }


def case_tree(case: SafetyCase) -> str:
    """The argument as plain text, 80 columns wide, the same for the same case."""
    lines = [f"Safety case of {case.case}"]
    for root in case.roots:
        lines += ["", *_branch(case, case.node(root), 0)]
    return "\n".join(lines) + "\n"


def _branch(case: SafetyCase, node: Node, depth: int) -> Iterator[str]:
    mark = "undeveloped" if node.undeveloped else node.status
    yield from _wrapped(f"{node.label} [{mark}] {node.text}", depth)
    if node.evidence is not None:
        found = node.evidence
        yield from _wrapped(
            f"{found.metric}: {found.estimate:.3g} [{found.ci[0]:.3g}, {found.ci[1]:.3g}], "
            f"{found.n:,} {found.unit}, {found.split}; {found.path} {found.sha256[:10]}",
            depth + 1,
        )
    if node.why:
        yield from _wrapped(node.why, depth + 1)
    for defeater in node.defeaters:
        response = f" → {defeater.response}" if defeater.response else ""
        yield from _wrapped(
            f"{defeater.id} [{defeater.status}] {defeater.text}{response}", depth + 1
        )
    for name in node.supported_by:
        yield from _branch(case, case.node(name), depth + 1)


def _wrapped(text: str, depth: int) -> list[str]:
    indent = "  " * depth
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent + "    ", break_long_words=True
    )
