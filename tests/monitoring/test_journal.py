"""The journal: durable, chained, and broken wherever somebody touched it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from contextlib import closing

import pytest
from small_monitors import rows_of

from assay.errors import AssayError
from assay.monitoring import open_journal
from assay.monitoring.journal import START, canonical, chained, export_journal, read_journal

MONITOR = "a" * 64


def entry(i, fires=False):
    return {"kind": "conversation", "id": f"c{i}", "content": "x", "fires": fires, "score": i / 3}


@pytest.fixture
def path(tmp_path):
    """A journal with an opening row and nine conversations, of which c4 fires."""
    path = tmp_path / "journal.sqlite"
    with open_journal(path, MONITOR) as journal:
        journal.append([entry(i, i == 4) for i in range(5)])
        journal.append([entry(i) for i in range(5, 9)])
    return path


def tamper(path, *statements):
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def breaks(path):
    with pytest.raises(AssayError) as caught, open_journal(path, MONITOR):
        pass
    return str(caught.value)


def test_a_journal_reads_back_row_by_row_with_its_head(path):
    with open_journal(path, MONITOR) as journal:
        assert journal.rows[0] == {"kind": "opened", "monitor": MONITOR, "version": 2}
        assert journal.rows[1:] == [entry(i, i == 4) for i in range(9)]
        head = journal.head
        journal.append([entry(9)])
        assert journal.head == chained(head, canonical(entry(9)))
    assert len(rows_of(path)) == 11


def test_the_chain_binds_the_monitor_in_its_first_row(path):
    with open_journal(path, MONITOR) as journal:
        assert journal.rows[0]["monitor"] == MONITOR
    with (
        pytest.raises(AssayError, match="journal of another monitor"),
        open_journal(path, "b" * 64),
    ):
        pass


def test_an_edited_row_is_found_by_its_number(path):
    tamper(path, """UPDATE rows SET body = replace(body, 'true', 'false') WHERE number = 6""")
    assert "breaks at row 6" in breaks(path)


def test_an_edited_hash_is_found_by_its_number(path):
    tamper(path, f"UPDATE rows SET hash = '{START}' WHERE number = 3")
    assert "breaks at row 3" in breaks(path)


def test_a_row_edited_with_its_own_hash_made_right_breaks_the_next(path):
    with open_journal(path, MONITOR) as journal:
        bodies = [canonical(row) for row in journal.rows]
    head = START
    for body in bodies[:5]:
        head = chained(head, body)
    forged = bodies[5].replace("true", "false")
    tamper(
        path,
        f"UPDATE rows SET body = '{forged}', hash = '{chained(head, forged)}' WHERE number = 6",
    )
    assert "breaks at row 7" in breaks(path)


def test_a_row_deleted_in_the_middle_is_found_by_its_number(path):
    tamper(path, "DELETE FROM rows WHERE number = 6")
    assert "breaks at row 6: it is missing" in breaks(path)


def test_a_row_deleted_and_the_rest_moved_up_is_found(path):
    tamper(
        path,
        "DELETE FROM rows WHERE number = 6",
        "UPDATE rows SET number = -number WHERE number > 6",
        "UPDATE rows SET number = -number - 1 WHERE number < 0",
    )
    assert "breaks at row 6" in breaks(path)


def test_rows_deleted_at_the_end_are_found(path):
    tamper(path, "DELETE FROM rows WHERE number > 8")
    assert "breaks at row 9: it is missing" in breaks(path)


def test_deleting_all_rows_is_found(path):
    tamper(path, "DELETE FROM rows")
    assert "breaks at row 1: it is missing" in breaks(path)


def test_two_rows_swapped_are_found(path):
    tamper(
        path,
        "UPDATE rows SET number = 99 WHERE number = 4",
        "UPDATE rows SET number = 4 WHERE number = 7",
        "UPDATE rows SET number = 7 WHERE number = 99",
    )
    assert "breaks at row 4" in breaks(path)


def test_a_row_slipped_in_is_found(path):
    tamper(path, f"INSERT INTO rows (body, hash) VALUES ('{{}}', '{START}')")
    assert "breaks at row 11" in breaks(path)


def test_two_writers_cannot_interleave(path):
    with open_journal(path, MONITOR) as first, open_journal(path, MONITOR) as second:
        first.append([entry(20)])
        with pytest.raises(AssayError, match="another process is writing"):
            second.append([entry(21)])
        first.append([entry(22)])
    assert [row["id"] for row in rows_of(path)[-2:]] == ["c20", "c22"]


def test_all_rows_of_an_append_are_there_or_none(path):
    with open_journal(path, MONITOR) as journal:
        with pytest.raises(ValueError, match="not JSON compliant"):
            journal.append([entry(30), {"kind": "conversation", "score": float("nan")}])
        assert len(journal.rows) == 10
        journal.append([entry(31)])
    assert len(rows_of(path)) == 11


def test_a_file_that_is_no_journal_is_refused(tmp_path):
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"this is no database, but it is long enough to be looked at" * 20)
    assert "is not a journal or is damaged" in breaks(path)


def test_rows_are_synced_to_the_disk_at_every_commit(path):
    with open_journal(path, MONITOR) as journal:
        connection = journal._connection
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_journal_that_another_process_appends_to_is_whole_at_every_opening(tmp_path):
    path = tmp_path / "busy.sqlite"
    with open_journal(path, MONITOR):
        pass
    stop = threading.Event()

    def append():
        with open_journal(path, MONITOR) as journal:
            i = 0
            while not stop.is_set():
                journal.append([entry(i)])
                i += 1

    writer = threading.Thread(target=append)
    writer.start()
    try:
        read = [len(read_journal(path).rows) for _ in range(200)]
    finally:
        stop.set()
        writer.join()
    assert read == sorted(read)
    assert read[-1] > read[0]


def test_a_closed_journal_is_whole_in_its_one_file(path, tmp_path):
    assert (
        not list(path.parent.glob("*-wal")) or not path.with_name(f"{path.name}-wal").stat().st_size
    )
    shutil.copy(path, tmp_path / "copied.sqlite")
    assert read_journal(tmp_path / "copied.sqlite").rows == read_journal(path).rows


def test_an_export_of_a_journal_that_is_in_use_has_every_row_and_can_be_checked(path, tmp_path):
    with open_journal(path, MONITOR) as journal:
        journal.append([entry(9, fires=True)])
        export_journal(path, tmp_path / "exported.jsonl")
        lines = [
            json.loads(line) for line in (tmp_path / "exported.jsonl").read_text().splitlines()
        ]
    assert [line["row"] for line in lines] == journal.rows
    head = START
    for number, line in enumerate(lines, start=1):
        head = chained(head, canonical(line["row"]))
        assert (line["number"], line["hash"]) == (number, head)
    assert head == journal.head


def test_reading_a_file_that_is_no_journal_makes_none(tmp_path):
    with pytest.raises(AssayError, match="does not exist"):
        read_journal(tmp_path / "none.sqlite")
    assert not (tmp_path / "none.sqlite").exists()
    (tmp_path / "text.sqlite").write_text("no journal" * 200)
    with pytest.raises(AssayError, match="is not a journal or is damaged"):
        read_journal(tmp_path / "text.sqlite")
