"""Detectors find what was planted and nothing where nothing was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from planted import D_MODEL, PLANTED, VETO, conversations, dictionary

from assay.concerns.aggregation import aggregate
from assay.concerns.candidates.ranking import contrast_order, rank_features
from assay.concerns.conversations.pool import POOL
from assay.concerns.detectors import CONTROLS, DETECTORS, Examples, fit_detector
from assay.concerns.detectors.detector import validation_split
from assay.concerns.matrix import directions_of
from assay.errors import AssayError
from assay.statistics import auroc, proportion_lower_bound

FOUR_ERRORS = 4.0
"""Standard errors that chance passes once in 16 000 tests."""


def chance_error(positives, negatives):
    """Standard error of an AUROC whose scores are drawn alike (Mann & Whitney 1947)."""
    return np.sqrt((positives + negatives + 1) / (12 * positives * negatives))


LEARNED = [name for name in DETECTORS if name != "text"]


def area(detector, tested):
    scores = detector.scores(tested)
    labels = np.array([c.label for c in tested])
    return auroc(scores[labels], scores[~labels])


@pytest.mark.parametrize(
    "name", [name for name in LEARNED if name not in ("dictionary_error", "novelty")]
)
def test_a_planted_direction_is_detected_in_conversations_never_seen(name):
    examples = Examples.of(conversations(120, seed=1), dictionary())
    detector = fit_detector(name, examples, dictionary(), seed=0)
    assert area(detector, conversations(200, name="test", seed=2)) > 0.95


def test_what_the_dictionary_leaves_out_is_detected_in_its_error_and_in_no_feature():
    lacking = dictionary()
    with torch.no_grad():
        for feature in (PLANTED, PLANTED + D_MODEL):
            lacking.W_enc[feature] = 0
    learned, tested = conversations(120, seed=1), conversations(200, name="test", seed=2)
    for known, error, feature in ((lacking, 0.95, None), (dictionary(), None, 0.95)):
        examples = Examples.of(learned, known)
        found = {
            name: area(fit_detector(name, examples, known, seed=0), tested)
            for name in ("dictionary_error", "single_feature")
        }
        assert found["dictionary_error"] > error if error else found["dictionary_error"] < 0.7
        assert found["single_feature"] > feature if feature else found["single_feature"] < 0.7


@pytest.mark.parametrize("name", [*LEARNED, *CONTROLS])
def test_all_conversations_in_one_call_are_scored_as_each_alone(name):
    examples = Examples.of(conversations(120, seed=1), dictionary())
    detector = fit_detector(name, examples, dictionary(), seed=0)
    tested = conversations(30, name="test", seed=2, fiction=0.5)
    in_one_call = detector.by_conversation(tested)
    for conversation, tokens in zip(tested, in_one_call, strict=True):
        assert tokens == pytest.approx(detector.token_scores(conversation.activations), abs=1e-4)
    alone = [float(detector.scores([conversation])[0]) for conversation in tested]
    assert detector.scores(tested) == pytest.approx(alone, abs=1e-4)
    assert len(detector.scores([])) == 0


@pytest.mark.parametrize("name", [*LEARNED, "text"])
def test_nothing_is_detected_where_nothing_was_planted(name):
    nothing = {"strength": 0.0, "words": ("a", "a")}
    examples = Examples.of(conversations(120, seed=1, **nothing), dictionary())
    detector = fit_detector(name, examples, dictionary(), seed=0)
    # The standard error of an AUROC of 150 against 150 without any signal is .0334.
    found = area(detector, conversations(300, name="test", seed=2, **nothing))
    assert abs(found - 0.5) < FOUR_ERRORS * chance_error(150, 150)


@pytest.mark.parametrize("name", CONTROLS)
def test_random_directions_and_shuffled_labels_do_no_better_than_chance_on_average(name):
    examples = Examples.of(conversations(120, seed=1), dictionary())
    tested = conversations(200, name="test", seed=2)
    areas = [area(fit_detector(name, examples, dictionary(), seed), tested) for seed in range(40)]
    # Their own spread says how far the mean of 40 may lie from chance.
    error = np.std(areas, ddof=1) / np.sqrt(len(areas))
    assert abs(np.mean(areas) - 0.5) < FOUR_ERRORS * error


def test_the_text_baseline_reads_the_text_alone():
    examples = Examples.of(conversations(120, seed=1, strength=0.0), dictionary())
    detector = fit_detector("text", examples, dictionary(), seed=0)
    assert area(detector, conversations(100, name="test", seed=2, strength=0.0)) == 1.0
    same_words = conversations(200, name="test", seed=3, words=("c", "c"))
    positives = sum(c.label for c in same_words)
    error = chance_error(positives, len(same_words) - positives)
    assert abs(area(detector, same_words) - 0.5) < FOUR_ERRORS * error


def test_the_planted_feature_is_ranked_first_with_the_least_p():
    examples = Examples.of(conversations(90, seed=4), dictionary())
    ranked = rank_features(examples.codes, examples.labels, examples.templates, seed=0)
    assert ranked[0].feature == PLANTED
    assert ranked[0].p == pytest.approx(1 / 1001)
    assert ranked[1].p > 0.05
    assert contrast_order(examples.codes, examples.labels)[0] == PLANTED


def test_a_rule_vetoes_acted_misbehaviour_in_fiction_and_keeps_the_real_one():
    examples = Examples.of(conversations(200, seed=5, fiction=0.5), dictionary())
    rule = fit_detector("rule", examples, dictionary(), seed=0)
    single = fit_detector("single_feature", examples, dictionary(), seed=0)
    assert rule.features == (PLANTED, VETO)
    tested = conversations(300, name="test", seed=6, fiction=0.5)
    assert area(rule, tested) > 0.9
    assert area(single, tested) < 0.8


def test_a_rule_detectors_threshold_is_the_rule_that_it_states():
    examples = Examples.of(conversations(200, seed=5, fiction=0.5), dictionary())
    detector = fit_detector("rule", examples, dictionary(), seed=0)
    detector.aggregation = "max"
    tested = conversations(200, name="test", seed=6, fiction=0.5)
    names = [f"f{feature}" for feature in detector.features]
    codes = [detector._codes.token_codes(c.activations) for c in tested]
    columns = np.array([aggregate(own, "max") for own in codes]).T
    for threshold in (0.0, 1.0, 2.5):
        fires = detector.scores(tested) > threshold
        assert 0 < fires.sum() < len(tested)
        rule = detector.rule_at(threshold)
        assert (rule.holds(dict(zip(names, columns, strict=True))) == fires).all()


def test_sparse_features_are_few_and_hold_the_planted_one():
    examples = Examples.of(conversations(120, seed=1), dictionary())
    detector = fit_detector("sparse_features", examples, dictionary(), seed=0)
    assert PLANTED in detector.features
    assert len(detector.features) <= 8


def test_what_is_ablated_is_the_direction_that_the_detector_reads():
    examples = Examples.of(conversations(120, seed=1), dictionary())
    planted = dictionary().W_dec[PLANTED].detach()
    for name in ("single_feature", "difference_in_means"):
        rows = directions_of(fit_detector(name, examples, dictionary(), 0), dictionary())
        assert rows.shape == (1, 24)
        assert abs(float(rows[0] @ planted)) > 0.9
    assert directions_of(fit_detector("text", examples, dictionary(), 0), dictionary()) is None


def test_the_aggregation_is_chosen_on_templates_that_were_not_fitted_on():
    examples = Examples.of(conversations(120, seed=1), dictionary())
    fitting, validation = validation_split(examples, 0, "x")
    assert not set(fitting.templates) & set(validation.templates)
    assert fitting.labels.any()
    assert validation.labels.any()


def test_with_three_organisms_whole_organisms_are_held_out():
    rows = [c for name in "abcdef" for c in conversations(40, name=name, seed=1)]
    examples = Examples.of(rows, dictionary())
    fitting, validation = validation_split(examples, 0, "x")
    assert not set(fitting.sources) & set(validation.sources)
    assert set(fitting.sources) | set(validation.sources) == set("abcdef")
    assert len(set(validation.sources)) == 2
    # Of two organisms, templates are held out.
    fitting, validation = validation_split(Examples.of(rows[:80], dictionary()), 0, "x")
    assert set(fitting.sources) & set(validation.sources)
    assert not set(fitting.templates) & set(validation.templates)


def test_where_one_token_has_the_direction_the_maximum_is_chosen_over_the_mean():
    many = {"tokens": 40, "strength": 2.0}
    examples = Examples.of(conversations(300, seed=1, **many), dictionary())
    detector = fit_detector("difference_in_means", examples, dictionary(), 0)
    assert detector.aggregation == "max"


def test_too_few_conversations_say_how_many_are_needed():
    with pytest.raises(AssayError, match="at least 8 of each"):
        Examples.of(conversations(10, seed=1), dictionary())


def test_features_that_follow_a_few_templates_are_not_found_where_labels_are_dealt_to_templates():
    """Ten templates are ten draws, however many conversations are made from them."""
    generator = np.random.default_rng(0)
    templates = np.repeat(np.arange(10), 12)
    labels = templates < 5
    runs, found = 100, 0
    for run in range(runs):
        of_template = generator.exponential(size=(10, 30))
        codes = of_template[templates] + 0.05 * generator.random((120, 30))
        (best,) = rank_features(codes, labels, templates, seed=run, most=1, permutations=60)
        found += best.p <= 0.05
    # Permuted over conversations, some feature of the 30 is found in every run.
    assert proportion_lower_bound(found, runs) <= 0.05


def test_with_several_organisms_the_penalty_is_chosen_on_those_that_are_left_out(monkeypatch):
    from assay.concerns.detectors import logistic_regression

    held = []

    class Probe(logistic_regression.LogisticRegression):
        def decision_function(self, x):
            held.append(len(x))
            return super().decision_function(x)

    monkeypatch.setattr(logistic_regression, "LogisticRegression", Probe)
    sizes = {"a": 30, "b": 40, "c": 50, "d": 60}
    rows = [c for name, n in sizes.items() for c in conversations(n, name=name, seed=1)]
    fit_detector("logistic_regression", Examples.of(rows, dictionary()), dictionary(), 0)
    # Each of the strengths is tried on each organism alone.
    assert held == [n for n in sizes.values() for _ in logistic_regression.STRENGTHS]


def test_novelty_needs_no_example_of_what_it_finds_and_learns_from_none():
    benign = conversations(200, name="pool", seed=3, share=0.0)
    pool = [replace(c, excerpt=replace(c.excerpt, source=POOL)) for c in benign]
    known = conversations(40, name="known", seed=4)
    examples = Examples.of([*pool, *known], None)
    found = fit_detector("novelty", examples, None, 0)
    tests = conversations(120, name="tested", seed=5, strength=4.0)
    labels = np.array([c.label for c in tests])
    scores = found.scores(tests)
    assert auroc(scores[labels], scores[~labels]) > 0.9
    # More misbehaviour to learn from changes nothing.
    more = Examples.of([*pool, *known, *conversations(200, name="more", seed=6)], None)
    assert np.array_equal(fit_detector("novelty", more, None, 0).scores(tests), scores)
    # An isotropic planted pool: distance² is a chi-square of 24 dimensions over the noise of a mean.
    mean_square = float((found.scores(pool) ** 2).mean())
    assert mean_square == pytest.approx(24, rel=0.25)
