"""Run by test_watching: forks watchers, kills them with SIGKILL at their worst moments, looks.

python killed_watching.py OUT_DIR TRANSCRIPTS. Prints one JSON line a watcher: which rows it had been
told were durable when it died, and which rows the journal then held. One process imports torch and
loads the model for all of them, which saves the test its time.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import torch
from small_monitors import rows_of

from assay.models import load_model
from assay.monitoring import Monitor, watch
from assay.monitoring.journal import Journal

MOMENTS = (
    ("before", 1),
    ("after", 1),
    ("between", 2),
    ("before", 2),
    ("after", 2),
    ("between", 1),
    ("after_rollback", 0),
)
"""At which of its appends a watcher kills itself, and on which side of the commit."""


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def rigged(moment: str, at: int, pipe: int):
    """Journal.append that reports what it has made durable, and dies at its moment."""
    append = Journal.append
    calls = 0

    def rigged_append(self, rows):
        nonlocal calls
        if rows[0]["kind"] == "opened":
            return append(self, rows)
        calls += 1
        if (moment, calls) == ("before", at):
            die()
        if (moment, calls) == ("between", at):
            self._connection.set_trace_callback(lambda sql: die() if sql == "COMMIT" else None)
        append(self, rows)
        os.write(pipe, "".join(json.dumps(row["id"]) + "\n" for row in rows).encode())
        if (moment, calls) == ("after", at):
            die()
        if moment == "after_rollback" and rows[-1]["kind"] == "rolled_back":
            die()

    return rigged_append


def main() -> None:
    torch.set_num_threads(1)
    out_dir, transcripts = Path(sys.argv[1]), Path(sys.argv[2])
    model = load_model(Monitor.read(out_dir).model.id, device="cpu")
    for moment, at in MOMENTS:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            Journal.append = rigged(moment, at, writer)
            watch(out_dir, transcripts, model=model)
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as stream:
            told = [json.loads(line) for line in stream]
        _, status = os.waitpid(child, 0)
        rows = rows_of(out_dir / "journal.sqlite")
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        print(json.dumps({"moment": moment, "killed": killed, "told": told, "rows": rows}))


if __name__ == "__main__":
    main()
