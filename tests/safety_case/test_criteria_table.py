"""The criteria stand in one table; the page of the documentation is made from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import AssayError
from assay.safety_case import CRITERIA
from assay.safety_case.criteria_page import BEGIN, END, criteria_table, main, with_criteria

PAGE = Path(__file__).parents[2] / "docs" / "safety_case.md"


def test_the_documentation_holds_the_table_of_the_code():
    text = PAGE.read_text(encoding="utf-8")
    stale = "write it anew: python -m assay.safety_case.criteria_page docs/safety_case.md"
    assert text == with_criteria(text), stale


def test_every_criterion_states_what_it_judges_and_why_its_number_is_what_it_is():
    names = [each.id for each in CRITERIA]
    assert len(set(names)) == len(names)
    for each in CRITERIA:
        assert each.judges
        assert each.figure
        assert each.reason
        assert each.id in criteria_table()


def test_every_limit_that_a_case_sets_has_a_floor():
    assert {each.id for each in CRITERIA if each.limit is None} == {
        *("sensitivity", "benign_rate", "delta"),
    }
    for each in CRITERIA:
        assert (each.limit is None) == (each.floor is not None)


def test_the_command_writes_the_table_between_its_marks(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    main(page)
    text = page.read_text(encoding="utf-8")
    assert text == f"before\n{BEGIN}\n\n{criteria_table()}\n\n{END}\nafter\n"
    with pytest.raises(AssayError, match="once each"):
        with_criteria("no marks")
