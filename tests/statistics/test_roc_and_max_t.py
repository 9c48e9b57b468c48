"""AUROC, DeLong and max-T on planted truths."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from assay.statistics.permutation_contrasts import max_t, permuted
from assay.statistics.roc import (
    auroc,
    auroc_columns,
    auroc_difference_interval,
    auroc_interval,
    delong_difference,
    roc_curve,
)


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
    for trial in range(60):
        a, b = generator.normal(1, 1, 60), generator.normal(0, 1, 60)
        low, high = auroc_interval(a, b, np.random.default_rng(trial), resamples=200)
        covered += low <= truth <= high
    assert covered >= 51
    # Conversations of a template are copies of one another: n is the number of templates.
    a, b = np.repeat(generator.normal(1, 1, 12), 10), np.repeat(generator.normal(0, 1, 12), 10)
    names = np.repeat(np.arange(12), 10).astype(str)
    clusters = (np.char.add("p", names), np.char.add("n", names))
    low, high = auroc_interval(a, b, np.random.default_rng(0), clusters=clusters)
    narrow_low, narrow_high = auroc_interval(a, b, np.random.default_rng(0))
    assert high - low > 1.5 * (narrow_high - narrow_low)


def test_the_interval_is_that_of_resampled_clusters_one_by_one_ties_and_all():
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

    expected = np.quantile(areas(a, b), [0.025, 0.975])
    found = auroc_interval(a, b, np.random.default_rng(0), clusters=clusters, resamples=200)
    assert found == pytest.approx(expected)
    expected = np.quantile(areas(a, b) - areas(*other), [0.025, 0.975])
    found = auroc_difference_interval((a, b), other, np.random.default_rng(0), clusters)
    assert found == pytest.approx(expected)


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
