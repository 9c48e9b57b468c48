"""A result as HTML in a notebook."""

from __future__ import annotations

import pytest
from dictionary_results import a_position_result, a_quality_result, some_contexts
from matrix_results import a_matrix
from report_results import a_candidate_report, a_case, a_monitor

from assay.errors import AssayError
from assay.reporting import html_of

RESULTS = {
    "transfer": (a_matrix, "only detect the trigger"),
    "candidates": (a_candidate_report, "deception-1042"),
    "monitor": (a_monitor, "At <code>resid_post.15</code>"),
    "case": (a_case, "C1.1"),
    "position": (a_position_result, "How position-pure the features are"),
    "quality": (a_quality_result, "clean 3.05"),
}


@pytest.mark.parametrize("name", RESULTS)
def test_each_result_shows_itself_with_its_own_style_and_without_a_script(name):
    make, words = RESULTS[name]
    html = html_of(make())
    assert words in html
    assert html.startswith('<div class="assay">')
    assert "<script" not in html
    assert "<html" not in html


@pytest.mark.parametrize("name", RESULTS)
def test_a_notebook_shows_a_result_as_that_section(name):
    result = RESULTS[name][0]()
    assert result._repr_html_() == html_of(result)


def test_styles_of_a_fragment_leave_the_rest_of_a_notebook_alone(open_offline, tmp_path):
    page = tmp_path / "notebook.html"
    page.write_text(f"<meta charset=utf-8><h2>Mine</h2>{html_of(a_monitor())}", encoding="utf-8")
    tab = open_offline(page)
    assert tab.problems == []
    sizes = tab.locator("h2").evaluate_all("all => all.map(h => getComputedStyle(h).fontSize)")
    assert sizes == ["24px", "18px"]


def test_a_result_without_a_section_is_refused_by_name():
    with pytest.raises(AssayError, match="no section for a DecodedContexts"):
        html_of(some_contexts())
