"""The journal of a monitor: an append-only SQLite file whose rows are chained by hashes.

The journal has a row for each conversation, whether it fired or not, because the rollback rule needs
both counts. The rollback state is always replayed from the rows. Each hash covers the row and the
previous hash, so an edited, missing or moved row breaks the chain. Rows deleted at the end are
detected because SQLite keeps the highest row number it has assigned (AUTOINCREMENT). The chain is not
a signature: anyone who can write the file can forge all of it. Where that matters, publish the hash of
the last row elsewhere.

While a journal is open, its newest rows stand in ``journal.sqlite-wal`` beside it: copy it with
``export_journal`` (``assay journal export``) or with SQLite's own backup, or copy all of its files.
Closing it brings every row into the one file.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from assay.errors import AssayError
from assay.files import atomic_file, flush_to_disk

JOURNAL = "journal.sqlite"
START = "0" * 64
"""The previous hash of the first row."""
TABLE = """CREATE TABLE IF NOT EXISTS rows (
    number INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL, hash TEXT NOT NULL)"""

Row = Mapping[str, Any]
"""A row: JSON values with a ``kind``, which is opened, conversation, unread or rolled_back."""
VERSION = 2
"""Version of the rows, in the opening one; version 1 has none of the kind unread, and is read alike."""


class Journal:
    """An open and verified journal; see ``open_journal``."""

    def __init__(self, path: Path, connection: sqlite3.Connection, rows: list[Row], head: str):
        self.path = path
        self.rows = rows
        """All rows, the opening row first; row number i has index i − 1."""
        self.head = head
        """Hash of the last row; once it is published, changes to the rows can be detected."""
        self._connection = connection

    def append(self, rows: Sequence[Row]) -> None:
        """Add rows in one transaction; on return all of them are on the disk, on an error none.

        Raises AssayError where another process has written to the journal, or the disk is full.
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
    """Open the journal of the monitor with this hash, or create it, and verify its whole chain.

    Raises AssayError where the chain breaks (naming the row), for the journal of another monitor, and
    for a file that is not a journal.
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
            journal.append([{"kind": "opened", "monitor": monitor_sha256, "version": VERSION}])
        elif rows[0].get("monitor") != monitor_sha256:
            raise AssayError(
                f"{path} is the journal of another monitor ({str(rows[0].get('monitor'))[:12]}…, "
                f"not {monitor_sha256[:12]}…); keep it and watch in another folder"
            )
        if not existed:
            flush_to_disk(path.parent)
        try:
            yield journal
        finally:
            # What stands in the write-ahead log alone would be lost to whoever copies the file.
            with contextlib.suppress(sqlite3.Error):
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


class JournalRows(NamedTuple):
    """A verified journal that was only read."""

    rows: list[Row]
    """All rows, the opening row first."""
    head: str
    """Hash of the last row."""


def read_journal(path: Path) -> JournalRows:
    """Read a journal, also while another process watches, and verify its whole chain.

    Raises AssayError where the file does not exist or is no journal, and where the chain breaks.
    """
    if not path.is_file():
        raise AssayError(f"{path} does not exist")
    with _database_errors(path):
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10)
    with contextlib.closing(connection), _database_errors(path):
        connection.isolation_level = None
        return JournalRows(*_verified(connection, path))


def export_journal(path: Path, target: Path) -> int:
    """Write a verified journal as JSONL: number, hash and row of each. Returns the number of rows.

    It may be in use: what is written is whole, which a copy of the file alone need not be. Raises
    AssayError as ``read_journal`` does.
    """
    rows, head = read_journal(path).rows, START
    with atomic_file(target) as aside, aside.open("w", encoding="utf-8", newline="\n") as stream:
        for number, row in enumerate(rows, start=1):
            head = chained(head, canonical(row))
            stream.write(canonical({"number": number, "hash": head, "row": row}) + "\n")
    return len(rows)


def canonical(row: Row) -> str:
    """The text of a row that is hashed: JSON with sorted keys and no spaces.

    Raises ValueError for NaN or infinity.
    """
    return json.dumps(
        row, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def chained(previous: str, body: str) -> str:
    """Hex sha256 of the previous row's hash followed by this row's text."""
    return hashlib.sha256(f"{previous}{body}".encode()).hexdigest()


def _verified(connection: sqlite3.Connection, path: Path) -> tuple[list[Row], str]:
    rows: list[Row] = []
    head = START
    # Both tables are read in one transaction: another process may be appending.
    connection.execute("BEGIN")
    try:
        stored = connection.execute(
            "SELECT number, body, hash FROM rows ORDER BY number"
        ).fetchall()
        given = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'rows'").fetchone()
    finally:
        connection.execute("COMMIT")
    for expected, (number, body, found) in enumerate(stored, start=1):
        if number != expected:
            raise _broken(path, expected, "it is missing")
        head = chained(head, str(body))
        if head != found:
            raise _broken(path, number, "it or the row before it was changed")
        rows.append(json.loads(body))
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
    """Turn errors of SQLite into AssayErrors."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "full" in str(error):
            raise AssayError(
                f"no space left on the disk while writing {path}; free some space and run again"
            ) from error
        if "locked" in str(error):
            raise AssayError(
                f"another process holds {path}; only one may watch at a time"
            ) from error
        raise AssayError(f"{path} cannot be opened as a journal: {error}") from error
    except sqlite3.DatabaseError as error:
        raise AssayError(f"{path} is not a journal or is damaged: {error}") from error
