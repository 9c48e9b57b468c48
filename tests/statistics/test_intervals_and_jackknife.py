"""Planted truths of the statistics room: known answers, and coverage by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from assay.statistics import (
    assign_groups,
    benjamini_hochberg,
    clopper_pearson,
    jackknife_interval,
    jackknife_ratio,
    least_n_for_rate,
    proportion_upper_bound,
)


def test_clopper_pearson_agrees_with_published_values():
    # 10 of 100 at 95 %: (0.0490, 0.1762), the standard textbook example.
    low, high = clopper_pearson(10, 100)
    assert low == pytest.approx(0.04900, abs=5e-5)
    assert high == pytest.approx(0.17622, abs=5e-5)
    assert clopper_pearson(0, 10)[0] == 0.0
    assert clopper_pearson(10, 10)[1] == 1.0
    assert clopper_pearson(0, 0) == (0.0, 1.0)


def test_admission_bounds_are_met_by_92_of_100_and_1_of_100_and_not_by_one_less():
    # One-sided 95 % bounds, as the organisms' admission uses them.
    assert 1 - proportion_upper_bound(100 - 92, 100) >= 0.85
    assert 1 - proportion_upper_bound(100 - 90, 100) < 0.85
    assert proportion_upper_bound(1, 100) <= 0.05
    assert proportion_upper_bound(2, 100) > 0.05


def test_clopper_pearson_covers_at_least_its_nominal_rate():
    generator = np.random.default_rng(0)
    for truth in (0.02, 0.3):
        draws = generator.binomial(60, truth, 2000)
        covered = [
            low <= truth <= high for low, high in map(lambda k: clopper_pearson(k, 60), draws)
        ]
        assert np.mean(covered) >= 0.945


def test_impossible_counts_are_refused():
    with pytest.raises(ValueError, match="11 successes of 10"):
        clopper_pearson(11, 10)


@pytest.mark.parametrize(("rate", "n"), [(1e-2, 299), (1e-3, 2995), (1e-4, 29956)])
def test_least_n_for_a_rate_matches_the_known_table(rate, n):
    assert least_n_for_rate(rate, 0.05) == n


def test_least_n_with_exceedances_is_exact():
    from scipy.stats import binom

    n = least_n_for_rate(0.01, 0.05, allowed=3)
    assert binom.cdf(3, n, 0.01) <= 0.05 < binom.cdf(3, n - 1, 0.01)


def test_zero_events_give_the_rule_of_three():
    assert proportion_upper_bound(0, 300) == pytest.approx(1 - 0.05 ** (1 / 300))


def test_documents_are_dealt_whole_and_evenly():
    documents = np.repeat(np.arange(100), 7)
    groups = assign_groups(documents, 16, np.random.default_rng(0))
    for document in range(100):
        assert len(set(groups[documents == document])) == 1
    sizes = np.bincount(groups[::7], minlength=16)
    assert sizes.max() - sizes.min() <= 1


def test_the_jackknife_of_a_mean_is_the_textbook_t_interval():
    from scipy.stats import t

    x = np.random.default_rng(1).normal(size=20)
    leave_one_out = (x.sum() - x) / 19
    low, high = jackknife_interval(leave_one_out, x.mean())
    half = t.ppf(0.975, 19) * x.std(ddof=1) / np.sqrt(20)
    assert low == pytest.approx(x.mean() - half)
    assert high == pytest.approx(x.mean() + half)


def test_a_group_without_a_value_is_left_out_and_one_group_alone_says_nothing():
    low, high = jackknife_interval(np.array([[1.0], [1.2], [np.nan]]), np.array([1.1]))
    assert np.isfinite([low, high]).all()
    low, high = jackknife_interval(np.array([[1.0]]), np.array([1.0]))
    assert low[0] == -np.inf
    assert high[0] == np.inf


def test_ratio_intervals_over_documents_cover_where_token_intervals_would_not():
    generator = np.random.default_rng(2)
    covered, token_covered = [], []
    for _ in range(300):
        document_effect = generator.normal(0.5, 0.2, 24)
        tokens = document_effect[:, None] + generator.normal(0, 0.05, (24, 50))
        _, low, high = jackknife_ratio(tokens.sum(1), np.full(24, 50.0))
        covered.append(low <= 0.5 <= high)
        half = 1.96 * tokens.std() / np.sqrt(tokens.size)
        token_covered.append(abs(tokens.mean() - 0.5) <= half)
    # 95 % less three Monte Carlo standard errors.
    assert np.mean(covered) > 0.912
    assert np.mean(token_covered) < 0.5


def test_benjamini_hochberg_matches_the_worked_example_and_ignores_untested():
    q = benjamini_hochberg([0.01, 0.04, np.nan, 0.03, 0.005])
    assert q[[4, 0, 3, 1]] == pytest.approx([0.02, 0.02, 0.04, 0.04])
    assert np.isnan(q[2])


def test_benjamini_hochberg_holds_the_false_discovery_rate():
    generator = np.random.default_rng(3)
    shares = []
    for _ in range(400):
        p = generator.uniform(size=200)
        p[:20] = generator.beta(0.05, 10, 20)
        found = benjamini_hochberg(p) <= 0.1
        shares.append(found[20:].sum() / max(found.sum(), 1))
    assert np.mean(shares) <= 0.1 + 3 * np.std(shares) / np.sqrt(400)
