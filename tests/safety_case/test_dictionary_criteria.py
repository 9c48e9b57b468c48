"""What the dictionary's figures and the labels support."""

from __future__ import annotations

import pytest

from assay.safety_case import build_case, cited_metrics
from assay.safety_case.criteria import VARIANCE
from assay.safety_case.grading import grade


def node_of(made, name, **changes):
    return build_case(made.inputs(**changes)).node(name)


@pytest.mark.parametrize(
    ("ci", "status"),
    [
        ((0.8, 0.9), "supported"),
        ((0.79, 0.9), "weak"),
        ((0.3, 0.4), "weak"),
        ((0.3, 0.39), "defeated"),
    ],
)
def test_an_interval_is_graded_by_both_of_its_ends(ci, status):
    assert grade(ci, VARIANCE, "It").status == status


@pytest.mark.parametrize(
    ("leaf", "metric", "value", "status"),
    [
        ("variance", cited_metrics.VARIANCE_EXPLAINED, 0.79, "weak"),
        ("cross_entropy", cited_metrics.CROSS_ENTROPY_RECOVERED, 0.89, "weak"),
        ("cross_entropy", cited_metrics.CROSS_ENTROPY_RECOVERED, 0.45, "defeated"),
        ("purity", cited_metrics.WELL_SEPARATED, 0.79, "weak"),
        ("purity", cited_metrics.WELL_SEPARATED, 0.45, "defeated"),
        ("missed", cited_metrics.VARIANCE_EXPLAINED, 0.94, "weak"),
        ("missed", cited_metrics.VARIANCE_EXPLAINED, 0.45, "defeated"),
    ],
)
def test_each_figure_of_the_dictionary_has_its_own_limits(made, leaf, metric, value, status):
    record = made.record(metric, value, (value - 0.01, value + 0.01))
    others = tuple(r for r in made.quality if r.metric != metric)
    assert node_of(made, f"Sn.{leaf}", evidence=(*others, record)).status == status


def test_many_dead_features_make_variance_explained_weak(made):
    alive = tuple(r for r in made.quality if r.metric != cited_metrics.DEAD)
    dead = made.record(cited_metrics.DEAD, 0.6, None)
    node = node_of(made, "Sn.variance", evidence=(*alive, dead))
    assert node.status == "weak"
    assert "60 % of the features are dead" in node.why
    assert node_of(made, "Sn.variance", evidence=alive).status == "supported"


@pytest.mark.parametrize(
    ("random", "status", "words"),
    [
        (
            {"low": 0.01},
            "supported",
            "A random dictionary that fires as often reaches 75 % (3 draws)",
        ),
        ({"low": 0.0}, "weak", "not shown to be better than random"),
        ({"low": -0.05, "high": 0.02}, "weak", "not shown to be better than random"),
        ({"low": -0.05, "high": -0.01}, "defeated", "worse than random"),
        ({"interval": None}, "weak", "No random dictionary"),
        (None, "weak", "No random dictionary"),
    ],
)
def test_well_separated_features_must_beat_a_random_dictionary(made, random, status, words):
    beside = None if random is None else made.random_dictionary(**random)
    node = node_of(made, "Sn.purity", position=made.position(random_dictionary=beside))
    assert node.status == status
    assert words in node.why


def test_without_the_position_audit_itself_well_separated_is_weak(made):
    node = node_of(made, "Sn.purity", position=None)
    assert node.status == "weak"
    assert "No random dictionary was audited" in node.why


def test_the_text_says_of_which_features_it_speaks(made):
    case = build_case(made.inputs())
    assert "Features that are not too rare" in case.node("Sn.purity").text
    said = "Of the 440 features that are not too rare; the other 56 % of 1,000 were not judged."
    assert said in case.node("Sn.purity").why
    d3 = next(d for d in case.node("S1.1").defeaters if d.id == "D3")
    assert said in d3.response
    assert "of the features are" not in d3.response


@pytest.mark.parametrize(
    ("detection", "fuzzing", "warning", "status"),
    [
        (90, 85, None, "supported"),
        (70, 85, None, "weak"),
        (90, 70, None, "weak"),
        (38, 85, None, "defeated"),
        (90, 38, None, "defeated"),
        (90, None, None, "weak"),
        (90, 85, "Labelled position.", "weak"),
    ],
)
def test_labels_of_watched_features_are_judged_by_both_scores(
    made, detection, fuzzing, warning, status
):
    watched = made.candidate(
        detection=made.score(detection),
        fuzzing=None if fuzzing is None else made.score(fuzzing),
        position_warning=warning,
    )
    report = made.candidates(candidates=(watched,))
    assert node_of(made, "Sn.labels", candidates=report).status == status


@pytest.mark.parametrize(
    ("peaks", "status"),
    [
        (("▁fault", "▁denial"), "supported"),
        (("▁fault", "▁the"), "supported"),
        (("▁this", "Ġyou", " that"), "weak"),
        ((",", "\n", "▁on"), "weak"),
        ((), "weak"),
    ],
)
def test_a_label_of_a_feature_that_fires_on_function_words_is_not_supported(made, peaks, status):
    examples = tuple((("▁fault", 0.1), (peak, 2.0)) for peak in peaks)
    report = made.candidates(candidates=(made.candidate(examples=examples),))
    case = build_case(made.inputs(candidates=report))
    assert case.node("Sn.labels").status == status
    d4 = next(d for d in case.node("S1.2").defeaters if d.id == "D4")
    assert d4.status == ("answered" if status == "supported" else "open")


def test_labels_without_a_score_are_undeveloped(made):
    report = made.candidates(candidates=(made.candidate(detection=None),))
    assert node_of(made, "Sn.labels", candidates=report).undeveloped


def test_a_watched_label_that_could_not_be_scored_makes_the_labels_weak(made):
    report = made.candidates(
        candidates=(made.candidate(), made.candidate(9, detection=None, fuzzing=None))
    )
    node = node_of(made, "Sn.labels", candidates=report, monitor=made.monitor((7, 9)))
    assert node.status == "weak"
    assert "1 label could not be scored" in node.why


def test_a_label_that_is_not_watched_does_not_count_unless_none_is(made):
    def cited(*features):
        return node_of(made, "Sn.labels", monitor=made.monitor(features))

    assert "feature 7" in cited(7).evidence.metric
    assert cited(9).status == "weak"
    assert "feature 9" in cited(7, 9).evidence.metric
    unwatched = cited(None)
    assert "feature 7" in unwatched.evidence.metric
    # Watched, the same label is supported.
    assert (cited(7).status, unwatched.status) == ("supported", "weak")
    assert "No candidate is watched" in unwatched.why
    case = build_case(made.inputs(monitor=made.monitor((None,))))
    d4 = next(d for d in case.node("S1.2").defeaters if d.id == "D4")
    assert d4.status == "open"
    assert "No candidate is watched" in d4.response
