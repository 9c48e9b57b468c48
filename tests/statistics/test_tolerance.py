"""The benign threshold: known answers, ties, and too few conversations."""

from __future__ import annotations

import numpy as np
import pytest

from assay.errors import AssayError
from assay.statistics import tolerance_threshold


def test_of_299_conversations_none_may_exceed_the_threshold_at_one_percent():
    scores = np.random.default_rng(0).normal(size=299)
    found = tolerance_threshold(scores, budget=0.01, delta=0.05)
    assert found.allowed == 0
    assert found.threshold == scores.max()
    assert found.guaranteed
    # With no exceedance the bound is 1 − delta^(1/n).
    assert found.rate_bound == pytest.approx(1 - 0.05 ** (1 / 299))
    assert found.rate_bound <= 0.01
    assert found.needed == 299


def test_with_more_conversations_some_may_exceed_it():
    scores = np.arange(1.0, 1001.0)
    found = tolerance_threshold(scores, budget=0.01, delta=0.05)
    # P(Binomial(1000, .01) ≤ 4) = .0287 and ≤ 5 is .0661.
    assert found.allowed == 4
    assert found.threshold == 996.0
    assert (scores > found.threshold).sum() == 4
    assert 0.009 < found.rate_bound <= 0.01


def test_the_order_of_the_scores_does_not_matter():
    scores = np.random.default_rng(1).normal(size=600)
    ascending = tolerance_threshold(np.sort(scores), budget=0.01, delta=0.05)
    assert tolerance_threshold(scores.tolist(), budget=0.01, delta=0.05) == ascending


def test_tied_scores_make_the_threshold_only_more_cautious():
    scores = np.repeat([0.0, 5.0], [980, 20])
    found = tolerance_threshold(scores, budget=0.01, delta=0.05)
    assert found.threshold == 5.0
    assert (scores > found.threshold).sum() == 0 <= found.allowed


def test_too_few_conversations_give_the_largest_score_and_no_guarantee():
    found = tolerance_threshold([3.0, 1.0, 2.0], budget=0.01, delta=0.05)
    assert found.threshold == 3.0
    assert found.n == 3
    assert found.allowed is None
    assert found.rate_bound is None
    assert not found.guaranteed
    assert found.needed == 299


def test_new_conversations_exceed_it_at_most_at_the_budget_in_all_but_delta_of_the_draws():
    generator = np.random.default_rng(2)
    rates = [
        1 - tolerance_threshold(generator.random(400), budget=0.02, delta=0.1).threshold
        for _ in range(2000)
    ]
    broken = (np.array(rates) > 0.02).mean()
    assert broken <= 0.1 + 3 * (0.1 * 0.9 / 2000) ** 0.5


def test_scores_that_are_missing_or_not_finite_are_refused():
    with pytest.raises(AssayError, match="at least one benign conversation"):
        tolerance_threshold([], budget=0.01, delta=0.05)
    with pytest.raises(AssayError, match="benign conversation 1 is not finite"):
        tolerance_threshold([1.0, float("nan")], budget=0.01, delta=0.05)
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        tolerance_threshold([1.0], budget=0.0, delta=0.05)
