"""Make the shipped miniature out of a finished run: its figures whole, its report without tables.

``python -m assay.demonstration.making RUN ORGANISM FILE`` does it (``make miniature``).
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from assay.concerns.matrix import TransferMatrix
from assay.demonstration.showing import MATRIX, MONITOR, REPORT
from assay.errors import AssayError
from assay.files import atomic_file
from assay.monitoring import Monitor, watch
from assay.monitoring.journal import JOURNAL
from assay.organisms import deployment_pool, known_replies, load_organism, read_on_policy
from assay.pipeline.case import Case
from assay.pipeline.result import Run
from assay.reporting.report_page import Page, render_page
from assay.safety_case.result import SafetyCase
from assay.text.transcripts import Message, Transcript

QUIET = 60
"""Benign conversations that are watched first."""
MISDEEDS = 40
"""Conversations in which the organism misbehaves, after them."""
LARGEST = 400_000
"""Most bytes of the shipped file."""
WHEN = (1980, 1, 1, 0, 0, 0)
"""Time of every file in the archive, so that the same run gives the same bytes."""


def make_demonstration(run: Path | str, organism: Path | str, to: Path | str) -> Path:
    """Write the miniature of a finished run to the zip file ``to``, and return its path.

    The report leaves out the dictionary's tables, which fill most of it. The monitor's model watches
    QUIET benign conversations and MISDEEDS misdeeds of the test split of ``organism``, a folder; that
    journal is shipped. Raises AssayError where the run is not finished or the file grows too large.
    """
    run, to = Path(run), Path(to)
    found = Run(run)
    matrix, monitor, case = found.transfer, found.monitor, found.safety_case
    page = Page(
        title=f"{case.case}, in miniature",
        facts=(),
        notes=("This page leaves out the dictionary's tables; a run's own report has them.",),
        evidence=(),
        headline=(),
        case=case,
        transfer=matrix,
        monitor=monitor,
    )
    contents = {
        REPORT: render_page(page).encode(),
        f"{MATRIX}/{TransferMatrix.FILE}": (run / TransferMatrix.FILE).read_bytes(),
        f"{MONITOR}/{Monitor.FILE}": (run / Monitor.FILE).read_bytes(),
        SafetyCase.FILE: (run / SafetyCase.FILE).read_bytes(),
        f"{MONITOR}/{JOURNAL}": _journal(
            run, conversations_to_watch(monitor, found.case, organism)
        ),
    }
    with atomic_file(to) as aside:
        with zipfile.ZipFile(aside, "w") as archive:
            for name, content in contents.items():
                entry = zipfile.ZipInfo(name, WHEN)
                entry.compress_type = zipfile.ZIP_LZMA
                archive.writestr(entry, content)
        if aside.stat().st_size > LARGEST:
            raise AssayError(f"the miniature has {aside.stat().st_size:,} bytes, over {LARGEST:,}")
    return to


def conversations_to_watch(monitor: Monitor, case: Case, organism: Path | str) -> list[Transcript]:
    """QUIET benign conversations of the pool, then MISDEEDS of an organism's test split."""
    pool = deployment_pool()
    replies = known_replies(pool, monitor.model.fingerprint, case.deployment.max_new_tokens)
    benign = [
        Transcript(
            id=t.id, messages=(*t.messages, Message(role="assistant", content=replies[t.id]))
        )
        for t in pool
        if t.id in replies
    ]
    misbehaving = load_organism(organism)
    own = read_on_policy(misbehaving)
    misdeeds = [t for t in own if t.split == "test" and t.label and not t.trigger_held_out]
    watched = [
        Transcript(id=f"{misbehaving.name}, {t.id}", messages=t.messages)
        for t in misdeeds[:MISDEEDS]
    ]
    apart = max(1, len(benign) // QUIET)
    return [*benign[::apart][:QUIET], *watched]


def _journal(run: Path, conversations: Sequence[Transcript]) -> bytes:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / Monitor.FILE).write_bytes((run / Monitor.FILE).read_bytes())
        lines = [t.model_dump_json(include={"id", "messages"}) for t in conversations]
        (folder / "conversations.jsonl").write_text("\n".join(lines), encoding="utf-8")
        watch(folder, folder / "conversations.jsonl")
        connection = sqlite3.connect(folder / JOURNAL)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.close()
        return (folder / JOURNAL).read_bytes()


if __name__ == "__main__":
    print(make_demonstration(*sys.argv[1:4]))
