"""The report of a dictionary, looked at in a browser that has no network."""

from __future__ import annotations

import re

import pytest
from dictionary_results import whole_dictionary

from assay.reporting import Page, write_page


@pytest.fixture
def opened(open_offline, tmp_path):
    """Write a page, with changes, and open it."""

    def open_page(**changes):
        page = Page(**(whole_dictionary() | changes))
        write_page(tmp_path / "report.html", page)
        tab = open_offline(tmp_path / "report.html", 1100)
        if page.position:
            tab.wait_for_selector("body[data-ready]", timeout=10_000)
        return tab

    return open_page


def test_the_page_asks_for_nothing_and_raises_nothing(opened):
    tab = opened()
    assert tab.problems == []
    assert tab.locator("figure svg").count() == 5


def test_headline_figures_stand_with_interval_n_unit_and_split(opened):
    cards = opened().locator(".card").all_inner_texts()
    assert len(cards) == 3
    assert "62 %" in cards[0]
    assert "[60 %, 64 %]" in cards[0]
    assert "312 documents, held-out" in cards[0]


def test_the_quality_of_the_dictionary_stands_with_intervals(opened):
    rows = opened().locator("table.quality tr").all_inner_texts()
    assert len(rows) == 6
    for part in ("variance explained without the sink", "0.62", "[0.61, 0.63]", "312 documents"):
        assert part in rows[1]
    assert "clean 3.05, spliced 3.55, ablated 8.85" in rows[5]


def test_search_finds_a_feature_by_a_token_it_promotes(opened):
    tab = opened()
    tab.fill("#search", "zebra")
    assert tab.locator("#features tr.row").count() == 1
    assert tab.locator("#features tr.row td").first.inner_text() == "3"


def test_filtering_and_sorting_work(opened):
    tab = opened()
    tab.select_option("#label", "content")
    badges = set(tab.locator("#features tr.row .badge").all_inner_texts())
    assert badges == {"content"}
    tab.select_option("#label", "")
    tab.click("th[data-sort=feature]")
    first = tab.locator("#features tr.row td:first-child").all_inner_texts()
    assert first == [str(i) for i in range(40)]
    tab.click("#next")
    assert tab.locator("#features tr.row td:first-child").first.inner_text() == "40"


@pytest.mark.parametrize("key", ["feature", "label", "rate", "documents", "explained", "t_pos"])
def test_every_column_with_figures_sorts_the_table(opened, key):
    tab = opened()
    shown = tab.locator("#features tr.row td:first-child")
    before = shown.all_inner_texts()
    tab.click(f"th[data-sort={key}]")
    tab.click(f"th[data-sort={key}]")
    assert tab.locator(f"th[data-sort={key}]").get_attribute("aria-sort")
    assert tab.problems == []
    assert key == "rate" or shown.all_inner_texts() != before


def test_a_feature_near_the_start_of_texts_is_marked(opened):
    tab = opened()
    tab.click("th[data-sort=feature]")
    assert "near the start" in tab.locator("#features tr.row").nth(4).inner_text()


def test_a_click_opens_contexts_with_highlights_and_causal_intervals(opened):
    tab = opened()
    tab.fill("#search", "zebra")
    tab.click("#features tr.row")
    detail = tab.locator(".detail")
    assert detail.locator("mark").count() > 5
    text = detail.inner_text()
    assert "logit lens" in text
    assert "T_pos, position in all" in text
    assert re.search(r"made/\d", text)
    tab.click("#features tr.row")
    assert tab.locator(".detail").count() == 0


def test_a_row_opens_by_the_keyboard_too(opened):
    tab = opened()
    tab.locator("#features tr.row").first.focus()
    tab.keyboard.press("Enter")
    assert tab.locator(".detail").count() == 1


def test_text_of_the_corpus_cannot_become_markup(opened):
    tab = opened()
    assert tab.locator("#features b").count() == 0
    assert "<b>escaped</b>" in tab.locator("dl.facts").inner_text()


@pytest.mark.parametrize("width", [1100, 420])
def test_a_page_never_scrolls_sideways(open_offline, tmp_path, width):
    write_page(tmp_path / "report.html", Page(**whole_dictionary()))
    tab = open_offline(tmp_path / "report.html", width)
    tab.wait_for_selector("body[data-ready]", timeout=10_000)
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert tab.evaluate(wide) <= 0


def test_what_was_not_measured_is_said(opened):
    text = opened(evidence=(), position=None, quality=None).locator("main").inner_text()
    assert text.count("Not measured in this run") == 3


def test_the_table_works_without_contexts(opened):
    tab = opened(contexts=None)
    assert tab.problems == []
    assert "Contexts were not collected" in tab.locator("main").inner_text()
    tab.locator("#features tr.row").first.click()
    assert tab.locator(".detail").count() == 1


def test_the_same_measurements_give_the_same_bytes(tmp_path):
    for name in ("a.html", "b.html"):
        write_page(tmp_path / name, Page(**whole_dictionary()))
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
