"""Results in a notebook: tables for pandas, and the report's sections as HTML."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path
from typing import ClassVar, Literal

import pytest

import assay
from assay.errors import AssayError
from assay.evidence import Evidence, evidence_frame
from assay.frames import frame_of
from assay.results import NOTEBOOK_HTML, Figures, Result

SOURCE = Path(assay.__file__).parent


class Inner(Figures):
    """A part of a row."""

    value: float
    """A figure."""
    ci: tuple[float, float] | None
    """Its interval."""


class Row(Figures):
    """A row."""

    name: str
    """What it is."""
    rate_ci: tuple[float, float] | None
    """An interval."""
    inner: Inner | None
    """A part."""


COLUMNS = ["name", "rate_ci_low", "rate_ci_high", "inner.value", "inner.ci_low", "inner.ci_high"]


def test_parts_and_intervals_become_columns_and_what_is_unknown_is_nan():
    rows = [
        Row(name="a", rate_ci=(0.1, 0.2), inner=Inner(value=1.0, ci=(0.0, 2.0))),
        Row(name="b", rate_ci=None, inner=None),
    ]
    frame = frame_of(rows, Row)
    assert list(frame.columns) == COLUMNS
    assert frame.loc[0].tolist() == ["a", 0.1, 0.2, 1.0, 0.0, 2.0]
    assert frame.loc[1].tolist()[0] == "b"
    assert frame.loc[1, COLUMNS[1:]].isna().all()


def test_a_table_without_rows_has_its_columns():
    assert list(frame_of([], Row).columns) == COLUMNS


def test_without_pandas_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(AssayError, match=r"pip install 'assay-interpretability\[frames\]'"):
        frame_of([], Row)


def test_every_result_of_a_run_is_a_table(tiny_run):
    cells = tiny_run.transfer.to_frame()
    assert len(cells) == len(tiny_run.transfer.cells)
    first = tiny_run.transfer.cells[0]
    assert cells.loc[0, ["strategy", "detector", "organism"]].tolist() == [
        first.strategy,
        first.detector,
        first.organism,
    ]
    assert cells["tpr_ci_low"].notna().any()
    twins = tiny_run.transfer.twins_to_frame()
    assert len(twins) == len(tiny_run.transfer.twin_cells) > 0
    assert set(twins["twin_of"]) == {"one"}
    features = tiny_run.position.to_frame()
    assert features["feature"].tolist() == list(range(len(tiny_run.position.features)))
    assert features["levels.no_sink.eta2_split_half"].notna().any()
    assert {"label", "causal.t_pos", "levels.all.ci_low"} <= set(features.columns)
    candidates = tiny_run.candidates.to_frame()
    assert candidates["feature"].tolist() == [c.feature for c in tiny_run.candidates.candidates]
    assert {"detection.estimate", "detection.ci_low"} <= set(candidates.columns)
    records = tiny_run.evidence_frame()
    assert records["metric"].tolist() == [record.metric for record in tiny_run.evidence]


def test_a_result_is_read_from_a_folder_given_as_text(tiny_run):
    folder = str(tiny_run.folder)
    assert type(tiny_run.transfer).read(folder) == assay.read_run(folder).transfer


def test_records_of_evidence_are_a_table():
    record = Evidence(
        metric="rate",
        estimate=0.5,
        ci=(0.4, 0.6),
        method="exact",
        n=9,
        unit="documents",
        split="test",
        seed=0,
        inputs={},
    )
    frame = evidence_frame([record])
    assert frame.loc[0, ["metric", "estimate", "ci_low", "ci_high"]].tolist() == [
        "rate",
        0.5,
        0.4,
        0.6,
    ]


def test_each_result_shows_its_section_and_the_run_its_claims(tiny_run):
    for result, words in (
        (tiny_run.transfer, "Transfer"),
        (tiny_run.candidates, "andidate"),
        (tiny_run.monitor, "The monitor"),
        (tiny_run.safety_case, "The safety case"),
        (tiny_run.position, "position"),
        (tiny_run.quality, "held-out"),
        (tiny_run, "C1.1"),
        (tiny_run.result, tiny_run.result.figures[0].metric),
    ):
        html = result._repr_html_()
        assert html.startswith('<div class="assay">')
        assert "<script" not in html
        assert words in html


def test_a_result_without_a_section_and_an_unfinished_run_show_nothing(tmp_path):
    class Plain(Result):
        """A result without a section in the report."""

        FILE: ClassVar[str] = "plain.json"
        MADE_BY: ClassVar[str] = "nothing"
        version: Literal[1] = 1

    assert Plain()._repr_html_() is None
    assert importlib.import_module("assay.pipeline").Run(tmp_path)._repr_html_() is None


def test_showing_a_result_is_what_imports_the_report():
    code = (
        "import sys\nfrom assay.evidence import Evidence\nimport assay.results\n"
        "import assay.concerns.matrix.result, assay.position.result, assay.pipeline.result\n"
        "print([m for m in ('altair', 'jinja2', 'pandas', 'torch') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def rooms_named_in_strings(path):
    """Rooms whose modules a file names in strings, by which they are imported later."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            parts = node.value.split(":")[0].split(".")
            if parts[0] == "assay" and len(parts) > 1 and (SOURCE / parts[1]).is_dir():
                yield parts[1], node.value


def test_the_hook_for_notebooks_is_the_only_import_by_name_of_a_later_room():
    from test_house_order import ROOMS

    later = set()
    for path in SOURCE.rglob("*.py"):
        own = path.relative_to(SOURCE).parts[0]
        place = ROOMS.index(own) if own in ROOMS else -1
        for room, value in rooms_named_in_strings(path):
            if ROOMS.index(room) > place:
                later.add((path.name, value))
    assert later == {("results.py", NOTEBOOK_HTML)}
