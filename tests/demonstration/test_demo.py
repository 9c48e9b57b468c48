"""`assay demo`: whoever installs Assay sees a finished run, without a model."""

from __future__ import annotations

import re
import zipfile
from importlib.resources import files

import pytest

from assay.demonstration import demonstrate
from assay.demonstration.making import LARGEST
from assay.demonstration.showing import JOURNAL, MINIATURE, MONITOR
from assay.errors import AssayError
from assay.monitoring import Monitor
from assay.monitoring.journal import open_journal
from assay.safety_case.case_reading import read_case


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """(the folder, the lines that were told)."""
    folder, lines = tmp_path_factory.mktemp("demo") / "out", []
    demonstrate(folder, lines.append)
    return folder, lines


def test_every_line_fits_a_terminal_of_80_columns(shown):
    assert max(map(len, shown[1])) <= 80


def test_it_tells_the_claims_the_matrix_the_curve_and_a_rollback(shown):
    folder, lines = shown
    text = "\n".join(lines)
    assert "C1.1 [" in text
    assert any(line.split()[:3] == ["organism", "single", "sparse"] for line in lines)
    assert any(re.match(r"own state, from \d+: TPR 0\.\d\d \[", line) for line in lines)
    assert sum(line.startswith("ROLLED BACK after") for line in lines) == 1
    assert f"the report:      {folder / 'report.html'}" in text
    assert "<h2" in (folder / "report.html").read_text(encoding="utf-8")


def test_its_case_follows_from_its_nodes_and_its_journal_is_whole(shown):
    folder, _ = shown
    assert read_case(folder).roots
    folder = folder / MONITOR
    with open_journal(folder / JOURNAL, Monitor.read(folder).sha256) as journal:
        assert len(journal.rows) > 20


def test_it_can_be_shown_again_but_overwrites_no_other_file(shown, tmp_path):
    folder, lines = shown
    again: list[str] = []
    demonstrate(folder, again.append)
    assert again == lines
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(AssayError, match=r"holds other files \(notes.txt\)"):
        demonstrate(tmp_path, again.append)
    with pytest.raises(AssayError, match="is a file"):
        demonstrate(tmp_path / "notes.txt", again.append)


def test_the_shipped_run_is_small_and_stays_in_its_folder():
    path = files("assay.demonstration") / MINIATURE
    with path.open("rb") as file:
        assert len(file.read()) <= LARGEST
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        assert not any(name.startswith("/") or ".." in name for name in archive.namelist())
