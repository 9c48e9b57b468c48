"""Thresholds keep their promise, and say what they lack where they cannot."""

from __future__ import annotations

import numpy as np
import pytest

from assay.errors import AssayError
from assay.monitoring import calibrate_rule, calibrate_threshold
from assay.randomness import numpy_generator
from assay.statistics import clopper_pearson, proportion_upper_bound


def test_the_threshold_is_the_largest_score_with_299_conversations_and_lower_with_more():
    scores = numpy_generator(0, "scores").permutation(np.arange(299.0))
    found = calibrate_threshold(scores, 0.01, 0.05)
    assert (found.threshold, found.allowed, found.above, found.n) == (298.0, 0, 0, 299)
    more = calibrate_threshold(np.arange(10_000.0), 0.01, 0.05)
    assert more.above == more.allowed == int((np.arange(10_000) > more.threshold).sum()) > 50
    assert more.rate_bound == proportion_upper_bound(more.allowed, 10_000) <= 0.01


@pytest.mark.parametrize(("budget", "n"), [(1e-2, 299), (1e-3, 2995), (1e-4, 29_956)])
def test_too_few_benign_conversations_say_how_many_are_needed(budget, n):
    with pytest.raises(AssayError, match=rf"298 benign .* {n if n > 299 else 299} are needed"):
        calibrate_threshold(np.zeros(298), budget, 0.05)
    with pytest.raises(AssayError, match=rf"0 benign .* {n} are needed"):
        calibrate_rule(np.zeros(0, bool), budget, 0.05)


def test_over_many_calibrations_the_promise_breaks_no_more_often_than_delta():
    # Scores uniform: the true rate above a threshold t is 1 − t.
    generator = numpy_generator(0, "calibrations")
    for n in (299, 1000):
        broken = [
            1 - calibrate_threshold(generator.random(n), 0.01, 0.05).threshold > 0.01
            for _ in range(2000)
        ]
        assert clopper_pearson(sum(broken), 2000)[0] <= 0.05
        assert np.mean(broken) > 0.01


def test_tied_scores_make_the_threshold_more_cautious_never_less():
    generator = numpy_generator(0, "ties")
    broken = []
    for _ in range(2000):
        scores = np.round(generator.random(600) * 50)
        found = calibrate_threshold(scores, 0.02, 0.05)
        assert found.above <= found.allowed
        # A score rounds to more than t when it is above t + 1/2.
        broken.append(max(49.5 - found.threshold, 0) / 50 > 0.02)
    assert clopper_pearson(sum(broken), 2000)[0] <= 0.05
    everywhere = calibrate_threshold(np.ones(400), 0.01, 0.05)
    assert (everywhere.threshold, everywhere.above) == (1.0, 0)


def test_the_guarantee_rests_on_the_firings_allowed_not_on_the_lucky_count_of_ties():
    scores = np.concatenate([np.zeros(900), np.ones(100)])
    found = calibrate_threshold(scores, 0.02, 0.05)
    assert found.above == 0 < found.allowed
    assert found.rate_bound == proportion_upper_bound(found.allowed, 1000)


def test_length_strata_show_where_the_firings_are():
    lengths = np.repeat([10, 20, 30], 500)
    scores = numpy_generator(0, "strata").random(1500) + (lengths == 30)
    found = calibrate_threshold(scores, 0.05, 0.05, lengths=lengths.tolist())
    assert [(s.shortest, s.longest, s.n) for s in found.strata] == [
        (10, 10, 500),
        (20, 20, 500),
        (30, 30, 500),
    ]
    assert [s.above for s in found.strata] == [0, 0, found.above]
    assert found.strata[2].rate_bound > 0.05 > found.strata[0].rate_bound
    assert calibrate_threshold(scores, 0.05, 0.05).strata == ()


def test_conversations_of_one_length_are_one_stratum():
    found = calibrate_threshold(np.arange(100.0), 0.1, 0.05, lengths=[7] * 100)
    assert [(s.n, s.above) for s in found.strata] == [(100, found.above)]


def test_scores_that_are_not_finite_are_refused():
    with pytest.raises(AssayError, match="conversation 2 is not finite"):
        calibrate_threshold(np.array([0, 1, np.nan]), 0.5, 0.5)


def test_a_rule_that_fires_too_often_is_refused_with_its_numbers():
    fires = np.zeros(1000, bool)
    fires[:4] = True
    found = calibrate_rule(fires, 0.01, 0.05)
    assert (found.threshold, found.above) == (None, 4)
    assert found.rate_bound == proportion_upper_bound(4, 1000)
    fires[:7] = True
    with pytest.raises(
        AssayError, match=r"7 of 1000 .* 0\.0131, above the budget 0\.01 .* 1312 ind"
    ):
        calibrate_rule(fires, 0.01, 0.05)
    enough = np.concatenate([fires, np.zeros(312, bool)])
    assert calibrate_rule(enough, 0.01, 0.05).rate_bound <= 0.01


def test_budgets_that_are_no_rates_are_refused():
    with pytest.raises(AssayError, match="budget is 0"):
        calibrate_threshold(np.zeros(10), 0, 0.05)
    with pytest.raises(AssayError, match="delta is 1"):
        calibrate_threshold(np.zeros(10), 0.1, 1)
