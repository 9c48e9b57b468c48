"""AUROC, DeLong and max-T on planted truths."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import norm
from scipy.stats import t as student

from assay.statistics.auroc_intervals import auroc_difference_interval, auroc_interval
from assay.statistics.permutation_contrasts import max_t, permuted
from assay.statistics.roc import auroc, auroc_columns, delong_difference, roc_curve


def test_auroc_of_shifted_normals_is_the_known_one():
    generator = np.random.default_rng(0)
    a, b = generator.normal(1, 1, 4000), generator.normal(0, 1, 4000)
    assert auroc(a, b) == pytest.approx(norm.cdf(1 / np.sqrt(2)), abs=0.015)
    assert auroc([1, 1], [1, 1, 1]) == 0.5
    assert np.isnan(auroc([], [1.0]))
    both = auroc_columns(np.stack([a, b], 1), np.stack([b, a], 1), columns_at_once=1)
    assert both == pytest.approx([auroc(a, b), auroc(b, a)])


def test_the_interval_covers_the_truth_and_is_wider_over_templates():
    generator = np.random.default_rng(1)
    truth = norm.cdf(1 / np.sqrt(2))
    covered = 0
    for trial in range(400):
        a, b = generator.normal(1, 1, 30), generator.normal(0, 1, 30)
        low, high = auroc_interval(a, b, np.random.default_rng(trial), resamples=200)
        covered += low <= truth <= high
    # 95 % less three Monte Carlo standard errors; more than 99 % would be needlessly wide.
    assert 0.93 * 400 - 3 <= covered <= 0.99 * 400
    # Conversations of a template are copies of one another: n is the number of templates.
    a, b = np.repeat(generator.normal(1, 1, 12), 10), np.repeat(generator.normal(0, 1, 12), 10)
    names = np.repeat(np.arange(12), 10).astype(str)
    clusters = (np.char.add("p", names), np.char.add("n", names))
    low, high = auroc_interval(a, b, np.random.default_rng(0), clusters=clusters)
    narrow_low, narrow_high = auroc_interval(a, b, np.random.default_rng(0))
    assert high - low > 1.5 * (narrow_high - narrow_low)


def test_the_spread_is_that_of_clusters_resampled_by_hand_ties_included():
    generator = np.random.default_rng(3)
    a, b = generator.integers(0, 5, 30) + 1.0, generator.integers(0, 5, 50) * 1.0
    other = generator.integers(0, 5, 30) * 1.0, generator.integers(0, 5, 50) * 1.0
    # Some clusters hold positives and negatives.
    clusters = generator.integers(0, 9, 30).astype(str), generator.integers(4, 14, 50).astype(str)
    names = np.unique(np.concatenate(clusters))
    drawn = np.random.default_rng(0).integers(0, len(names), (200, len(names)))

    def areas(above, below):
        found = []
        for draw in drawn:
            rows = [np.concatenate([np.flatnonzero(c == names[i]) for i in draw]) for c in clusters]
            found.append(auroc(above[rows[0]], below[rows[1]]))
        return np.array(found)

    area, step = auroc(a, b), student.ppf(0.975, min(len(set(c)) for c in clusters) - 1)
    half = step * areas(a, b).std(ddof=1) / (area * (1 - area))
    found = auroc_interval(a, b, np.random.default_rng(0), clusters=clusters, resamples=200)
    assert found == pytest.approx(expit(logit(area) + np.array([-half, half])))
    half = step * (areas(a, b) - areas(*other)).std(ddof=1)
    found = auroc_difference_interval((a, b), other, np.random.default_rng(0), clusters)
    assert found == pytest.approx(area - auroc(*other) + np.array([-half, half]))


def test_with_too_few_templates_or_scores_that_do_not_vary_an_interval_is_undetermined():
    generator = np.random.default_rng(4)
    a, b = generator.normal(3, 1, 40), generator.normal(0, 1, 40)
    shared = np.repeat("only template", 40)
    own = np.arange(40).astype(str)
    three = np.repeat(["a", "b", "c", "c"], 10)
    # One template a class once gave an interval of zero width: certainty from a sample of one.
    for clusters in [(shared, own), (own, shared), (three, own)]:
        assert auroc_interval(a, b, generator, clusters=clusters) is None
        assert auroc_difference_interval((a, b), (b, a), generator, clusters) is None
    assert auroc_interval(np.ones(40), np.ones(40), generator) is None
    four = np.repeat(["a", "b", "c", "d"], 10)
    low, high = auroc_interval(a, b, generator, clusters=(four, own))
    assert low < auroc(a, b) < high


def test_perfect_separation_is_as_certain_as_its_templates_are_many():
    a, b = np.ones(40), np.zeros(40)
    names = np.repeat(np.arange(8), 5)
    clusters = np.char.add("p", names.astype(str)), np.char.add("n", names.astype(str))
    found = auroc_interval(a, b, np.random.default_rng(0), clusters=clusters)
    assert found == pytest.approx((0.05 ** (1 / 8), 1.0))
    low, high = auroc_difference_interval((a, b), (a, b), np.random.default_rng(0), clusters)
    assert (low, high) == pytest.approx((0.05 ** (1 / 8) - 1, 1 - 0.05 ** (1 / 8)))


def test_a_lower_bound_over_few_templates_lies_above_the_truth_no_more_often_than_it_may():
    # Eight templates a class, four conversations each: the regime of an organism's test split.
    generator = np.random.default_rng(5)
    names = np.repeat(np.arange(8), 4).astype(str)
    clusters = np.char.add("p", names), np.char.add("n", names)
    truth = norm.cdf(2.5 / np.sqrt(2))
    above = 0
    for _ in range(400):
        a, b = (
            shift + 0.6 * np.repeat(generator.normal(size=8), 4) + 0.8 * generator.normal(size=32)
            for shift in (2.5, 0.0)
        )
        low, _ = auroc_interval(a, b, generator, clusters=clusters, resamples=100)
        above += low > truth
    # 10 expected at most; the percentile interval gave about 70.
    assert above <= 20


def test_delong_tells_a_better_score_from_a_worse_one_and_holds_its_level():
    generator = np.random.default_rng(2)
    rejected = 0
    for _ in range(200):
        noise, other = generator.normal(0, 1, 120), generator.normal(0, 1, 120)
        signal = np.repeat([1.0, 0.0], 60)
        first, second = signal + noise, signal + other
        _, p = delong_difference((first[:60], first[60:]), (second[:60], second[60:]))
        rejected += p < 0.05
    assert rejected <= 20
    better = 3 * signal + noise
    difference, p = delong_difference((better[:60], better[60:]), (second[:60], second[60:]))
    assert difference > 0
    assert p < 1e-3
    assert delong_difference((first[:60], first[60:]), (first[:60], first[60:])) == (0.0, 1.0)


def test_the_roc_curve_runs_from_corner_to_corner():
    false, true = roc_curve([2.0, 3.0], [0.0, 2.0])
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert np.all(np.diff(false) >= 0)


def test_max_t_holds_the_family_wise_error_and_finds_the_planted_feature():
    generator = np.random.default_rng(3)
    labels = np.repeat([True, False], 30)
    false_finds = 0
    for trial in range(60):
        noise = generator.standard_normal((60, 80))
        found = max_t(noise, labels, np.random.default_rng(trial), permutations=100)
        false_finds += found.p.min() < 0.05
    assert false_finds <= 8
    noise[:, 17] += 2 * labels
    found = max_t(noise, labels, np.random.default_rng(0), permutations=100)
    assert found.p.argmin() == 17
    assert found.contrast.argmax() == 17


def test_labels_are_permuted_by_whole_templates():
    labels = np.array([True, True, False, False, True, False])
    blocks = np.array(["a", "a", "b", "b", "c", "c"])
    for seed in range(20):
        dealt = permuted(labels, blocks, np.random.default_rng(seed))
        assert dealt[0] == dealt[1]
        assert dealt[2] == dealt[3]
        assert dealt[4] != dealt[5]
        assert dealt.sum() == 3
