"""Permutation p: the right size under correlated nulls, power where position acts, FDR held."""

from __future__ import annotations

import numpy as np
from scipy.stats import binomtest

from assay.position import variance_explained


def autoregressive(generator, documents, positions, features, coefficient):
    noise = generator.normal(size=(documents, positions, features)).astype(np.float32)
    x = np.empty_like(noise)
    x[:, 0] = noise[:, 0]
    for t in range(1, positions):
        x[:, t] = coefficient * x[:, t - 1] + np.sqrt(1 - coefficient**2) * noise[:, t]
    return x


def rare_runs(generator, documents, positions, features, rate, run):
    """Firing in runs of about ``run`` tokens, on about ``rate`` of all tokens; heavy magnitudes."""
    on = np.zeros((documents, positions, features), dtype=bool)
    state = generator.random((documents, features)) < rate
    for t in range(positions):
        on[:, t] = state
        stays = generator.random(state.shape) < 1 - 1 / run
        begins = generator.random(state.shape) < rate / run / (1 - rate)
        state = np.where(state, stays, begins)
    return (on * generator.lognormal(0, 1, on.shape)).astype(np.float32)


def test_type_one_error_at_five_percent_holds_for_correlated_tokens():
    x = autoregressive(np.random.default_rng(0), 40, 64, 600, 0.95)
    p = variance_explained(x, permutations=40).p
    rejected = int((p <= 0.05).sum())
    # Simulations of this null with other code lie between .04 and .06.
    low, high = binomtest(rejected, 600).proportion_ci(0.997)
    assert low <= 0.06
    assert high >= 0.04
    assert abs(p.mean() - 0.5) <= 3 * np.sqrt(1 / 12 / 600) + 0.01


def test_false_discoveries_are_held_for_rare_correlated_features_and_planted_ones_are_found():
    generator = np.random.default_rng(1)
    planted, null = 25, 800
    shares = []
    for repeat in range(3):
        x = rare_runs(generator, 200, 32, planted + null, 0.005, 5)
        begin = (generator.random((200, 1, planted)) < 0.15) & (np.arange(32) < 4)[None, :, None]
        x[:, :, :planted] = begin * generator.lognormal(0, 0.5, begin.shape)
        found = variance_explained(x, permutations=40, seed=repeat)
        hit = found.q <= 0.05
        assert hit[:planted].all()
        shares.append(hit[planted:].sum() / hit.sum())
    assert np.mean(shares) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / (3 * planted))


def test_no_feature_is_found_when_all_are_null():
    x = rare_runs(np.random.default_rng(2), 200, 32, 800, 0.005, 5)
    assert (variance_explained(x, permutations=40).q <= 0.05).sum() == 0


def test_one_planted_feature_among_thousands_survives_benjamini_hochberg():
    """The pool is large enough for a p below .05/features, though each feature has few shifts."""
    generator = np.random.default_rng(3)
    x = (generator.random((100, 32, 2000)) < 0.1) * np.float32(1.0)
    x[:, :, 700] = (np.arange(32) < 4) * (generator.random((100, 32)) < 0.8)
    found = variance_explained(x, permutations=24)
    assert found.q[700] <= 0.05
    assert np.argmin(found.p) == 700


def test_a_feature_of_one_document_cannot_be_tested():
    x = np.zeros((30, 16, 2), dtype=np.float32)
    x[4, 3:6, 0] = 1.0
    x[[4, 5], 3, 1] = 1.0
    found = variance_explained(x)
    assert np.isnan(found.p[0])
    assert np.isfinite(found.p[1])


def test_content_that_is_constant_in_each_document_has_p_one():
    content = np.random.default_rng(4).normal(size=(40, 1, 1)) * np.ones((1, 16, 1))
    assert variance_explained(content).p[0] == 1.0
