"""The argument as a tree for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from assay.evidence import Evidence
from assay.safety_case.nodes import Node, citable_interval
from assay.safety_case.result import SafetyCase

WIDTH = 80


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
        yield from _wrapped(_figure(case, node.evidence), depth + 1)
    if node.why:
        yield from _wrapped(node.why, depth + 1)
    for defeater in node.defeaters:
        response = f" → {defeater.response}" if defeater.response else ""
        yield from _wrapped(
            f"{defeater.id} [{defeater.status}] {defeater.text}{response}", depth + 1
        )
    for name in node.supported_by:
        yield from _branch(case, case.node(name), depth + 1)


def _figure(case: SafetyCase, found: Evidence) -> str:
    """A solution's figure in one line, with its file and the start of the file's sha256."""
    low, high = citable_interval(found)
    file = str(found.file)
    return (
        f"{found.metric}: {found.estimate:.3g} [{low:.3g}, {high:.3g}], {found.n:,} {found.unit}, "
        f"{found.split}; {file} {case.created_from[file][:10]}"
    )


def _wrapped(text: str, depth: int) -> list[str]:
    indent = "  " * depth
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent + "    ", break_long_words=True
    )
