"""The report, looked at in a browser that has no network."""

from __future__ import annotations

import dataclasses
import re

import pytest

from assay.reporting.page import write_page


@pytest.fixture
def opened(chromium, page, tmp_path):
    """Write a page, open it offline, and fail on any request or script error."""

    def open_page(changed=page):
        write_page(tmp_path / "report.html", changed)
        context = chromium.new_context(offline=True, viewport={"width": 1100, "height": 900})
        tab = context.new_page()
        tab.problems = []
        tab.on("pageerror", lambda error: tab.problems.append(str(error)))
        tab.on(
            "request",
            lambda request: (
                None if request.url.startswith("file:") else tab.problems.append(request.url)
            ),
        )
        tab.goto((tmp_path / "report.html").as_uri())
        if changed.position:
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
    assert "300 documents, held-out" in cards[0]


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
    tab.click("th[data-sort=f]")
    first = tab.locator("#features tr.row td:first-child").all_inner_texts()
    assert first == [str(i) for i in range(40)]
    tab.click("#next")
    assert tab.locator("#features tr.row td:first-child").first.inner_text() == "40"


def test_a_click_opens_contexts_with_highlights_and_causal_intervals(opened):
    tab = opened()
    tab.fill("#search", "zebra")
    tab.click("#features tr.row")
    detail = tab.locator(".detail")
    assert detail.locator("mark").count() > 5
    text = detail.inner_text()
    assert "logit lens" in text
    assert re.search(r"made/\d", text)
    tab.click("#features tr.row")
    assert tab.locator(".detail").count() == 0


def test_text_of_the_corpus_cannot_become_markup(opened):
    tab = opened()
    assert tab.locator("#features b").count() == 0
    assert "<b>escaped</b>" in tab.locator("dl.facts").inner_text()


def test_a_page_fits_a_narrow_window_without_scrolling_sideways(opened):
    tab = opened()
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert tab.evaluate(wide) <= 0


def test_what_was_not_measured_is_said(opened, page):
    bare = dataclasses.replace(page, evidence=[], position=None, quality=[], sink=None)
    text = opened(bare).locator("main").inner_text()
    assert text.count("Not measured in this run") == 3


def test_the_same_measurements_give_the_same_bytes(page, tmp_path):
    write_page(tmp_path / "a.html", page)
    write_page(tmp_path / "b.html", page)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
