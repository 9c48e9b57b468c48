"""Before a run: how probably a perfect detector passes, and one that fires too often."""

from __future__ import annotations

import numpy as np
import pytest

from assay.randomness import numpy_generator
from assay.statistics import (
    EXCESS_LEVEL,
    clopper_pearson,
    detector_passes,
    effective_lower_bound,
    effective_sample,
    exceedances_allowed,
    excess_p,
    least_positives,
    most_not_in_excess,
    oracle_passes,
    proportion_upper_bound,
    tolerance_threshold,
    tpr_shown,
)


@pytest.mark.parametrize("n_test", [200, 500, 1600])
@pytest.mark.parametrize("n_calibration", [299, 473, 1000, 1600])
def test_a_perfect_detector_passes_with_probability_of_at_least_95_percent(n_calibration, n_test):
    assert oracle_passes(n_calibration, n_test, 0.01, 0.05) >= 0.95


def test_to_prove_the_rate_a_second_time_was_a_coin_flip():
    # The former rule: the bound over the test set must be ≤ the rate again.
    from scipy.stats import betabinom

    for n in (299, 1600, 20_000):
        allowed = exceedances_allowed(n, 0.01, 0.05)
        assert proportion_upper_bound(allowed, n) <= 0.01
        assert betabinom.cdf(allowed, n, allowed + 1, n - allowed) == pytest.approx(0.5, abs=0.02)


def test_a_detector_at_twice_the_rate_fails_from_1600_conversations_on():
    for n in (*range(1600, 1700), 2000, 4000):
        assert detector_passes(0.02, n, 0.01) <= 0.05
    # In a smaller test set it often passes, which is what is to be printed.
    assert detector_passes(0.02, 200, 0.01) > 0.6
    assert detector_passes(0.01, 1600, 0.01) >= 1 - EXCESS_LEVEL
    assert detector_passes(0.0, 1600, 0.01) == pytest.approx(1)


def test_the_oracles_probability_is_the_simulated_one():
    generator = numpy_generator(0, "oracle")
    most = most_not_in_excess(800, 0.02)
    passed = 0
    for _ in range(3000):
        threshold = tolerance_threshold(generator.random(400), 0.02, 0.05).threshold
        passed += int((generator.random(800) > threshold).sum()) <= most
    low, high = clopper_pearson(passed, 3000, 0.999)
    assert low <= oracle_passes(400, 800, 0.02, 0.05) <= high
    assert oracle_passes(298, 800, 0.01, 0.05) == 0.0


def test_clustered_conversations_pass_as_often_as_simulated():
    sample = effective_sample([str(i // 4) for i in range(800)], 0.2)
    assert excess_p(most_not_in_excess(sample, 0.05), sample, 0.05) > EXCESS_LEVEL
    own = numpy_generator(0, "clustered").beta(0.08 * 4, 0.92 * 4, (4000, 200))
    fired = numpy_generator(1, "clustered").binomial(4, own).sum(axis=1)
    passed = int((fired <= most_not_in_excess(sample, 0.05)).sum())
    low, high = clopper_pearson(passed, 4000, 0.999)
    assert low <= detector_passes(0.08, sample, 0.05) <= high
    assert oracle_passes(sample, sample, 0.05, 0.05) >= 0.95


def test_the_true_positive_rate_is_shown_as_often_as_simulated():
    for sample in (150, effective_sample([str(i // 5) for i in range(150)], 0.3)):
        shown = tpr_shown(0.92, sample, 0.8)
        generator = numpy_generator(0, "tpr")
        if isinstance(sample, int):
            counts = generator.binomial(150, 0.92, 4000)
            reached = [1 - proportion_upper_bound(150 - int(k), 150) >= 0.8 for k in counts]
        else:
            own = generator.beta(0.92 * 7 / 3, 0.08 * 7 / 3, (4000, 30))
            counts = generator.binomial(5, own).sum(axis=1)
            reached = [effective_lower_bound(int(k), sample) >= 0.8 for k in counts]
        low, high = clopper_pearson(int(np.sum(reached)), 4000, 0.999)
        assert low <= shown <= high
    assert tpr_shown(1.0, 3, 0.8) == 0.0
    assert tpr_shown(1.0, 14, 0.8) == 1.0
    whole = effective_sample([str(i // 5) for i in range(150)], 1.0)
    assert tpr_shown(0.95, whole, 0.8) == pytest.approx(tpr_shown(0.95, 30, 0.8))


def test_the_least_number_of_positives_suffices_and_one_less_does_not():
    needed = least_positives(0.9, 0.8, 0.8)
    assert tpr_shown(0.9, needed, 0.8) >= 0.8 > tpr_shown(0.9, needed - 1, 0.8)
    shared = least_positives(0.9, 0.8, 0.8, per_template=5, icc=0.3)
    assert shared % 5 == 0
    assert shared > 1.5 * needed
    with pytest.raises(ValueError, match="do not show"):
        least_positives(0.8, 0.8)
