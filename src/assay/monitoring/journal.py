"""What a monitor has seen: an append-only SQLite journal whose rows are chained by their hashes.

One row a conversation, whether it fired or not, because the rollback rule needs both counts; the state
is replayed from the rows and never stored beside them. Each hash covers the row and the hash before it,
so an edited, missing or moved row breaks the chain from there on. Rows deleted at the end are noticed
because SQLite remembers the highest number it has given (AUTOINCREMENT). The chain is no signature: who
may write the file can forge all of it, so publish the head elsewhere where that matters.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from assay.errors import AssayError
from assay.files import flush_to_disk

JOURNAL = "journal.sqlite"
START = "0" * 64
"""What stands before the first row's hash."""
TABLE = """CREATE TABLE IF NOT EXISTS rows (
    number INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL, hash TEXT NOT NULL)"""

Row = Mapping[str, Any]
"""One entry: JSON values, with a ``kind``: opened, conversation or rolled_back."""


class Journal:
    """An open journal; ``open_journal`` verifies it first.

    ``append`` returns once its rows are on the disk, all or none of them.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, rows: list[Row], head: str):
        self.path = path
        self.rows = rows
        """All entries, the opening one first; row number i stands at i − 1."""
        self.head = head
        """Hash of the last row: publish it, and nothing before it can be changed unnoticed."""
        self._connection = connection

    def append(self, rows: Sequence[Row]) -> None:
        """Add rows durably, in one transaction.

        Raises AssayError where another process has written meanwhile, or the disk is full.
        """
        bodies = [canonical(row) for row in rows]
        number, head = len(self.rows), self.head
        with _database_errors(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                found = self._connection.execute("SELECT max(number) FROM rows").fetchone()[0]
                if (found or 0) != number:
                    raise AssayError(
                        f"another process is writing to {self.path}; only one may watch at a time"
                    )
                for body in bodies:
                    number, head = number + 1, chained(head, body)
                    self._connection.execute(
                        "INSERT INTO rows VALUES (?, ?, ?)", (number, body, head)
                    )
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise
        self.rows += [json.loads(body) for body in bodies]
        self.head = head


@contextlib.contextmanager
def open_journal(path: Path, monitor_sha256: str) -> Iterator[Journal]:
    """Open a journal, or begin one, for the monitor with this hash; verify its whole chain.

    Raises AssayError where the chain breaks (at which row), for the journal of another monitor, and
    for a file that is no journal.
    """
    existed = path.is_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    with _database_errors(path):
        connection = sqlite3.connect(path, isolation_level=None, timeout=10)
    with contextlib.closing(connection):
        with _database_errors(path):
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(TABLE)
            rows, head = _verified(connection, path)
        journal = Journal(path, connection, rows, head)
        if not rows:
            journal.append([{"kind": "opened", "monitor": monitor_sha256, "version": 1}])
        elif rows[0].get("monitor") != monitor_sha256:
            raise AssayError(
                f"{path} is the journal of another monitor ({str(rows[0].get('monitor'))[:12]}…, "
                f"not {monitor_sha256[:12]}…); keep it, and watch in another folder"
            )
        if not existed:
            flush_to_disk(path.parent)
        yield journal


def canonical(row: Row) -> str:
    """The text of a row that is hashed: JSON with sorted keys and no spaces, NaN refused."""
    return json.dumps(
        row, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def chained(previous: str, body: str) -> str:
    """Hex sha256 of the previous row's hash followed by this row's text."""
    return hashlib.sha256(f"{previous}{body}".encode()).hexdigest()


def _verified(connection: sqlite3.Connection, path: Path) -> tuple[list[Row], str]:
    rows: list[Row] = []
    head = START
    stored = connection.execute("SELECT number, body, hash FROM rows ORDER BY number")
    for expected, (number, body, found) in enumerate(stored, start=1):
        if number != expected:
            raise _broken(path, expected, "it is missing")
        head = chained(head, str(body))
        if head != found:
            raise _broken(path, number, "it or the row before it was changed")
        rows.append(json.loads(body))
    given = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'rows'").fetchone()
    if given is not None and int(given[0]) > len(rows):
        raise _broken(path, len(rows) + 1, "it is missing")
    return rows, head


def _broken(path: Path, number: int, what: str) -> AssayError:
    return AssayError(
        f"{path}: the chain breaks at row {number}: {what}; the journal was edited or damaged, "
        "restore it from a backup"
    )


@contextlib.contextmanager
def _database_errors(path: Path) -> Iterator[None]:
    """SQLite's own errors as ones for people."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "full" in str(error):
            raise AssayError(
                f"no space left on the disk while writing {path}; free some and run again"
            ) from error
        if "locked" in str(error):
            raise AssayError(
                f"another process holds {path}; only one may watch at a time"
            ) from error
        raise AssayError(f"{path} cannot be opened as a journal: {error}") from error
    except sqlite3.DatabaseError as error:
        raise AssayError(f"{path} is not a journal or is damaged: {error}") from error
