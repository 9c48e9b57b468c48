"""Outcomes that share templates: how many independent ones they are worth, and bounds that hold."""

from __future__ import annotations

import numpy as np
import pytest

from assay.randomness import numpy_generator
from assay.statistics import (
    EffectiveSample,
    as_sample,
    bound_over_makings,
    clopper_pearson,
    effective_interval,
    effective_lower_bound,
    effective_sample,
    effective_upper_bound,
    excess_p,
    pooled_icc,
    proportion_lower_bound,
    proportion_upper_bound,
    tolerance_threshold,
)


def templates(number, each):
    return [f"template {i}" for i in range(number) for _ in range(each)]


def clustered(generator, runs, number, each, rate, icc):
    """Successes of each of ``number`` templates in ``runs`` simulated samples."""
    spread = (1 - icc) / icc
    own = generator.beta(rate * spread, (1 - rate) * spread, (runs, number))
    return generator.binomial(each, own)


def test_the_design_effect_is_the_known_one_for_equal_and_for_unequal_templates():
    found = effective_sample(templates(8, 15), 0.36)
    assert (found.n, found.clusters, found.icc) == (120, 8, 0.36)
    assert found.design_effect == pytest.approx(1 + 14 * 0.36)
    assert found.n_effective == pytest.approx(120 / 6.04)
    # One template of 9 and one of 1: a typical conversation's template holds 82/10.
    uneven = effective_sample(["a"] * 9 + ["b"], 0.5)
    assert uneven.design_effect == pytest.approx(1 + (8.2 - 1) * 0.5)


def test_the_effective_size_lies_between_the_templates_and_the_conversations():
    assert effective_sample(templates(8, 15), 0.0).n_effective == 120
    assert effective_sample(templates(8, 15), 1.0).n_effective == pytest.approx(8)
    assert effective_sample(templates(120, 1), 0.9).n_effective == 120
    assert effective_sample([], 0.2) == EffectiveSample(0, 0, 0.2, 0.0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        effective_sample(["a"], 1.2)


def test_without_correlation_the_bounds_are_those_of_clopper_and_pearson():
    sample = as_sample(40)
    for k in (0, 1, 17, 40):
        assert effective_interval(k, sample) == pytest.approx(clopper_pearson(k, 40))
        assert effective_upper_bound(k, sample) == pytest.approx(proportion_upper_bound(k, 40))
        assert effective_lower_bound(k, sample) == pytest.approx(proportion_lower_bound(k, 40))
    assert effective_interval(0, as_sample(0)) == (0.0, 1.0)
    with pytest.raises(ValueError, match="41 successes of 40"):
        effective_upper_bound(41, sample)


def test_120_prompts_of_8_templates_show_far_less_than_120_templates():
    # The password lock: all of its 120 prompts misbehave.
    assert proportion_lower_bound(120, 120) > 0.97
    assert effective_lower_bound(120, effective_sample(templates(8, 15), 1.0)) < 0.7


@pytest.mark.parametrize(("number", "each"), [(8, 15), (60, 2)])
@pytest.mark.parametrize("icc", [0.1, 0.36, 0.6])
def test_the_lower_bound_exceeds_the_true_rate_in_at_most_five_percent_of_samples(
    number, each, icc
):
    truth, runs = 0.85, 4000
    counts = clustered(numpy_generator(0, f"{number}/{icc}"), runs, number, each, truth, icc)
    sample = effective_sample(templates(number, each), icc)
    total = counts.sum(axis=1)
    wrong = sum(effective_lower_bound(int(k), sample) > truth for k in total)
    assert clopper_pearson(wrong, runs)[0] <= 0.05
    if (number, icc) == (8, 0.36):
        # Counting prompts, the bound lies above the truth about five times as often as it may.
        plain = sum(proportion_lower_bound(int(k), number * each) > truth for k in total)
        assert plain / runs > 0.2


def test_the_pooled_correlation_is_the_planted_one():
    generator = numpy_generator(0, "pooled")
    for icc in (0.2, 0.36, 0.7):
        groups = []
        for rate in (0.3, 0.6, 0.9, 0.5) * 10:
            counts = clustered(generator, 1, 12, 8, rate, icc)[0]
            outcomes = (np.arange(8) < counts[:, None]).ravel()
            groups.append((outcomes, templates(12, 8)))
        assert pooled_icc(groups) == pytest.approx(icc, abs=0.06)


def test_the_pooled_correlation_is_never_below_its_floor():
    generator = numpy_generator(0, "floor")
    independent = generator.random(400) < 0.5
    assert pooled_icc([(independent, templates(50, 8))]) == 0.1
    assert pooled_icc([(independent, templates(50, 8))], floor=0.3) == 0.3
    assert pooled_icc([(np.ones(40), templates(5, 8))]) == 0.1
    assert pooled_icc([(independent, [str(i) for i in range(400)])]) == 0.1
    assert pooled_icc([]) == 0.1
    whole = np.repeat(generator.random(50) < 0.5, 8)
    assert pooled_icc([(whole, templates(50, 8))]) == 1.0


def test_constant_groups_leave_the_pooled_correlation_alone():
    outcomes = np.repeat(numpy_generator(0, "constant").random(30) < 0.5, 4)
    outcomes[::5] = ~outcomes[::5]
    one = [(outcomes, templates(30, 4))]
    assert pooled_icc([*one, (np.zeros(90), templates(90, 1))]) == pooled_icc(one)


def test_an_excess_is_significant_no_more_often_than_its_level_and_is_found_where_it_exists():
    runs, sample = 4000, effective_sample(templates(100, 4), 0.2)
    found = {}
    for rate in (0.05, 0.12):
        counts = clustered(numpy_generator(0, f"excess/{rate}"), runs, 100, 4, rate, 0.2)
        found[rate] = sum(excess_p(int(k), sample, 0.05) <= 0.05 for k in counts.sum(axis=1))
    assert clopper_pearson(found[0.05], runs)[0] <= 0.05
    assert found[0.12] / runs > 0.9
    assert excess_p(0, sample, 0.05) == 1.0
    from scipy.stats import binom

    assert excess_p(3, as_sample(50), 0.02) == pytest.approx(binom.sf(2, 50, 0.02))


def test_a_benign_threshold_counts_sources_that_repeat_as_fewer_conversations():
    scores = np.arange(1600.0)
    plain = tolerance_threshold(scores, 0.01, 0.05)
    clustered_sources = effective_sample(templates(400, 4), 0.1)
    found = tolerance_threshold(scores, 0.01, 0.05, clustered_sources)
    assert found.threshold > plain.threshold
    assert found.rate_bound <= 0.01 < effective_upper_bound(found.allowed + 1, clustered_sources)
    # 299 conversations of 25 templates guarantee nothing.
    few = effective_sample(templates(25, 12)[:299], 0.1)
    assert tolerance_threshold(scores[:299], 0.01, 0.05).guaranteed
    assert not tolerance_threshold(scores[:299], 0.01, 0.05, few).guaranteed
    with pytest.raises(ValueError, match="of 299 scores, not of 1600"):
        tolerance_threshold(scores, 0.01, 0.05, few)


def test_a_making_counts_once_and_only_where_all_of_its_organisms_were_caught():
    caught = {"a1": True, "a2": True, "b1": True, "b2": False, "c": True}
    making = {"a1": "A", "a2": "A", "b1": "B", "b2": "B", "c": "C", "unused": "D"}
    found = bound_over_makings(caught, making)
    assert found == (2, 3, proportion_lower_bound(2, 3))
    assert (found.caught, found.makings) == (2, 3)
    # Fourteen organisms of one base and one maker are one trial.
    all_alike = {f"o{i}": True for i in range(14)}
    assert bound_over_makings(all_alike, dict.fromkeys(all_alike, "one")).lower == (
        pytest.approx(0.05)
    )
    assert proportion_lower_bound(14, 14) > 0.8
    assert bound_over_makings({}, {}) == (0, 0, 0.0)
    with pytest.raises(ValueError, match="No making is given for z"):
        bound_over_makings({"z": True}, {})
