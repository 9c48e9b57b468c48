"""Show the shipped run: the claims, the matrix, the learning curve, and a rollback."""

from __future__ import annotations

import textwrap
import zipfile
from collections.abc import Callable, Iterator
from importlib.resources import as_file, files
from pathlib import Path

from assay.concerns.matrix import TransferMatrix
from assay.demonstration.terminal_figures import learning_lines, matrix_lines
from assay.errors import AssayError
from assay.monitoring import Monitor, RollbackState, next_state, open_journal
from assay.monitoring.journal import JOURNAL, Row
from assay.safety_case.case_reading import read_case
from assay.safety_case.nodes import CLAIMS, Node
from assay.safety_case.phrases import caught_sentence
from assay.safety_case.result import SafetyCase

MINIATURE = "miniature.zip"
"""The shipped run, beside this file."""
REPORT = "report.html"
MATRIX, MONITOR = "transfer", "monitor"
"""Folders of the matrix, and of the monitor with its journal."""
WIDTH = 80


def demonstrate(out: Path | str, tell: Callable[[str], None]) -> Path:
    """Unpack the shipped run into ``out``, tell it line by line, and return the report's path.

    Raises AssayError where ``out`` is a file, or a folder that holds anything else than this run.
    """
    out = Path(out)
    _unpack(out)
    matrix, monitor = TransferMatrix.read(out / MATRIX), Monitor.read(out / MONITOR)
    case = read_case(out)
    organisms = sum(organism.twin_of is None for organism in matrix.organisms)
    _section(tell, "A finished run, made by: assay run examples/smollm2.yaml")
    _say(
        tell,
        f"Features of concern in {monitor.model.id}, tested on {organisms} model organisms: small "
        "adapters that were trained to misbehave under a trigger. Nothing is computed here; every "
        "figure below was measured and is read from the run's files.",
    )
    _section(tell, "The safety case: what the evidence supports")
    for line in claim_lines(case):
        tell(line)
    _section(tell, "Does a detector learned elsewhere find an organism? AUROC, * admitted")
    for line in matrix_lines(matrix):
        tell(line)
    _say(tell, caught_sentence(matrix))
    _section(tell, "Detection of an unseen organism, by how many were learned from")
    for line in learning_lines(matrix.learning_curve):
        tell(line)
    _section(tell, "The monitor's journal, replayed: benign conversations, then misdeeds")
    for line in journal_lines(monitor, out / MONITOR):
        tell(line)
    _section(tell, "Next")
    tell(f"the report:      {out / REPORT}")
    tell("your own model:  assay run CASE.yaml   (README: examples/smollm2.yaml)")
    tell("your own data:   assay fit MODEL --site S --positives F --negatives F --benign F")
    return out / REPORT


def claim_lines(case: SafetyCase) -> Iterator[str]:
    """The claims as a tree with their status, without evidence and doubts."""
    for root in case.roots:
        yield from _claims(case, case.node(root), 0)


def journal_lines(monitor: Monitor, folder: Path) -> Iterator[str]:
    """What the journal of a folder says, conversation by conversation where one fires."""
    state = RollbackState()
    with open_journal(folder / JOURNAL, monitor.sha256) as journal:
        rows: list[Row] = [row for row in journal.rows if row["kind"] == "conversation"]
        head = journal.head
    for row in rows:
        state = next_state(monitor.rollback, state, row["fires"])
        if row["fires"]:
            yield (
                f"conversation {state.seen:4}  {str(row['id'])[:40]:40}  fires "
                f"({state.fired} so far)"
            )
        if state.rolled_back:
            yield f"ROLLED BACK after {state.seen} conversations; model to go back to: " + (
                fallback_words(monitor)
            )
            break
    yield f"{len(rows)} conversations in a chained journal, head {head[:16]}…"


def fallback_words(monitor: Monitor) -> str:
    """What stands in for the model after a rollback."""
    return "no model was named" if monitor.fallback is None else monitor.fallback.id


def _claims(case: SafetyCase, node: Node, depth: int) -> Iterator[str]:
    if node.type not in CLAIMS:
        return
    mark = "undeveloped" if node.undeveloped else node.status
    indent = "  " * depth
    text = f"{node.label} [{mark}] {node.text}"
    yield from textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent + "    ", max_lines=2
    )
    for name in node.supported_by:
        yield from _claims(case, case.node(name), depth + 1)


def _section(tell: Callable[[str], None], title: str) -> None:
    tell("")
    tell(title)
    tell("─" * min(len(title), WIDTH))


def _say(tell: Callable[[str], None], text: str) -> None:
    for line in textwrap.wrap(text, WIDTH):
        tell(line)


def _unpack(out: Path) -> None:
    with (
        as_file(files("assay.demonstration") / MINIATURE) as path,
        zipfile.ZipFile(path) as archive,
    ):
        names = archive.namelist()
        if out.exists() and not out.is_dir():
            raise AssayError(f"{out} is a file; choose another folder with --out")
        found = sorted(p.name for p in out.iterdir()) if out.is_dir() else []
        own = {name.split("/")[0] for name in names}
        foreign = [name for name in found if name not in own]
        if foreign:
            raise AssayError(
                f"{out} holds other files ({', '.join(foreign[:3])}); choose an empty folder with --out"
            )
        out.mkdir(parents=True, exist_ok=True)
        archive.extractall(out)
