"""Planted truths of the observational level: each known answer within three standard errors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from assay.errors import AssayError
from assay.position import variance_explained

T = 32


def autoregressive(generator, documents, positions, features, coefficient):
    noise = generator.normal(size=(documents, positions, features))
    x = np.empty_like(noise)
    x[:, 0] = noise[:, 0]
    for t in range(1, positions):
        x[:, t] = coefficient * x[:, t - 1] + np.sqrt(1 - coefficient**2) * noise[:, t]
    return x


def standard_curve(positions=T):
    g = np.sin(np.arange(positions) / 5) + np.arange(positions) / positions
    return (g - g.mean()) / g.std()


def assert_within_three_errors(estimates, truth):
    """Mean of replicated estimates against the truth, by the replicates' own standard error."""
    error = np.std(estimates, ddof=1) / np.sqrt(len(estimates))
    assert abs(np.mean(estimates) - truth) <= 3 * error + 1e-6, (np.mean(estimates), truth, error)


def test_pure_position_is_one_and_pure_content_is_zero():
    generator = np.random.default_rng(0)
    position = np.broadcast_to(standard_curve()[None, :, None], (50, T, 1))
    content = np.broadcast_to(generator.normal(size=(50, 1, 1)), (50, T, 1))
    found = variance_explained(np.concatenate([position, content], axis=2))
    for level in found.levels.values():
        np.testing.assert_allclose(level.eta2_split_half, [1, 0], atol=1e-6)
        np.testing.assert_allclose(level.eta2, [1, 0], atol=1e-6)
    np.testing.assert_allclose(found.ci, [[1, 1], [0, 0]], atol=1e-6)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.8])
def test_a_mixture_gives_its_share_of_position(share):
    generator = np.random.default_rng(1)
    noise = generator.normal(size=(60, T, 300))
    x = np.sqrt(share) * standard_curve()[None, :, None] + np.sqrt(1 - share) * noise
    found = variance_explained(x, permutations=0)
    assert_within_three_errors(found.eta2_split_half, share)
    covered = (found.ci[:, 0] <= share) & (found.ci[:, 1] >= share)
    assert 0.90 <= covered.mean() <= 0.99


@pytest.mark.parametrize("coefficient", [0.95, 0.99])
def test_split_half_is_unbiased_when_tokens_of_a_document_correlate(coefficient):
    """With 40 documents of AR noise the naive ratio sits far above the truth; split-half does not."""
    generator = np.random.default_rng(2)
    x = autoregressive(generator, 40, 128, 400, coefficient)
    found = variance_explained(x, permutations=0)
    assert_within_three_errors(found.eta2_split_half, 0.0)
    assert found.eta2.mean() > 0.005


def test_split_half_keeps_a_planted_share_when_tokens_of_a_document_correlate():
    generator = np.random.default_rng(2)
    x = autoregressive(generator, 40, 128, 400, 0.95)
    mixed = np.sqrt(0.3) * standard_curve(128)[None, :, None] + np.sqrt(0.7) * x
    found = variance_explained(mixed, permutations=0)
    # The variance in the denominator is itself estimated from 40 documents: a bias of .003.
    assert_within_three_errors(found.eta2_split_half - 0.003, 0.3)
    assert found.eta2.mean() > 0.31


def test_eta2_under_exchangeable_noise_is_its_expected_null_whatever_the_distribution():
    generator = np.random.default_rng(3)
    noise = np.concatenate(
        [generator.normal(size=(30, T, 300)), generator.lognormal(0, 1, size=(30, T, 300))], axis=2
    )
    found = variance_explained(noise, permutations=0)
    assert found.eta2_null[0] == pytest.approx((T - 1) / (30 * T - 1))
    assert_within_three_errors(found.eta2, found.eta2_null[0])
    assert_within_three_errors(found.epsilon2, 0.0)
    assert found.epsilon2.min() < 0, "never clipped"


def test_a_position_zero_spike_is_one_and_zero_once_the_sink_is_left_out():
    generator = np.random.default_rng(4)
    spike = np.zeros((60, T, 2))
    spike[:, 0] = 50.0
    spike[:, :, 1] += 0.01 * generator.normal(size=(60, T))
    found = variance_explained(spike)
    np.testing.assert_allclose(found.levels["all"].eta2_split_half, [1, 1], atol=1e-3)
    bare, noisy = found.levels["no_sink"].eta2_split_half
    low, high = found.levels["no_sink"].ci[1]
    assert bare == 0.0
    assert abs(noisy) <= 3 * (high - low) / 4 + 1e-6


def test_document_start_semantics_show_with_document_starts_and_vanish_with_random_crops():
    """A feature that fires in the first 10 tokens of a document, whatever their position."""
    generator = np.random.default_rng(5)
    place = np.arange(T)[None, :, None]
    fires = generator.random((60, 1, 200)) < 0.7
    from_start = np.where(place < 10, fires * 1.0, 0.0)
    starts = generator.integers(0, 10 * T, size=(60, 1, 200))
    begins = generator.integers(0, 10 * T, size=(60, 1, 200))
    along = (starts + place) % (10 * T)
    random_crop = np.where((along - begins) % (10 * T) < 10, 1.0, 0.0)
    at_start = variance_explained(from_start, permutations=0)
    assert (at_start.ci[:, 0] > 0.2).all()
    assert_within_three_errors(variance_explained(random_crop, permutations=0).eta2_split_half, 0.0)


def test_a_position_gated_rare_feature_is_missed_by_eta2_and_caught_by_selectivity():
    generator = np.random.default_rng(6)
    place = np.arange(T)[None, :, None]
    gated = (generator.random((400, T, 20)) < 0.01) & (place < T // 4)
    found = variance_explained(gated * 1.0, permutations=0)
    assert found.eta2_split_half.mean() < 0.02
    # Two of eight bins: 1 − log 2 / log 8 = 2/3.
    assert found.selectivity.mean() == pytest.approx(2 / 3, abs=0.02)


def test_selectivity_of_a_uniform_rare_feature_is_not_biased_upwards():
    generator = np.random.default_rng(7)
    x = np.zeros((400, T, 300))
    for feature in range(300):
        where = generator.choice(400 * T, size=24, replace=False)
        x.reshape(-1, 300)[where, feature] = 1.0
    found = variance_explained(x, permutations=0)
    assert abs(found.selectivity.mean()) < 0.02
    assert np.isnan(variance_explained(x[:300], permutations=0).selectivity).any(), "too rare"


def test_hurdle_parts_tell_whether_it_fires_from_how_strongly():
    """One feature's rate depends on position, another's magnitude; each shows in its own part."""
    generator = np.random.default_rng(8)
    documents, replicates = 150, 40
    rate = np.linspace(0.1, 0.9, T)[None, :, None]
    shape = (documents, T, replicates)
    by_rate = (generator.random(shape) < rate) * generator.lognormal(0, 0.3, shape)
    steps = np.repeat(np.arange(8.0), T // 8)[None, :, None]
    magnitudes = 20 + steps + 3 * generator.normal(size=shape)
    by_magnitude = (generator.random(shape) < 0.5) * magnitudes
    found = variance_explained(np.concatenate([by_rate, by_magnitude], axis=2), permutations=0)
    mean = rate.mean()
    assert_within_three_errors(found.indicator[:replicates], rate.var() / (mean * (1 - mean)))
    assert_within_three_errors(found.magnitude[:replicates], 0.0)
    assert_within_three_errors(found.indicator[replicates:], 0.0)
    truth = steps.var() / (steps.var() + 9)
    assert_within_three_errors(found.magnitude[replicates:], truth)


def test_magnitude_is_missing_where_a_bin_has_fewer_than_twenty_firings():
    x = np.random.default_rng(9).random((100, T, 1)) + 1
    x[:, :4] = 0.0
    x[:19, 0] = 1.0
    assert np.isnan(variance_explained(x, permutations=0).magnitude[0])
    x[:20, 0] = 1.5
    assert np.isfinite(variance_explained(x, permutations=0).magnitude[0])


def test_crops_of_one_document_count_as_one_document():
    """The same document cropped often must not pass for many that agree."""
    generator = np.random.default_rng(10)
    own = generator.normal(size=(12, T, 200))
    copies = np.repeat(own, 5, axis=0)
    groups = np.repeat(np.arange(12), 5)
    taken_apart = variance_explained(copies, permutations=0)
    together = variance_explained(copies, groups=groups, permutations=0)
    assert_within_three_errors(together.eta2_split_half, 0.0)
    assert taken_apart.eta2_split_half.mean() > 0.04
    assert together.documents == 12
    shuffled = generator.permutation(60)
    again = variance_explained(copies[shuffled], groups=groups[shuffled], permutations=0)
    np.testing.assert_allclose(again.eta2_split_half, together.eta2_split_half, atol=1e-12)
    np.testing.assert_allclose(again.ci, together.ci, atol=1e-12)


def test_adding_a_constant_or_scaling_changes_nothing():
    x = np.random.default_rng(11).normal(size=(40, T, 20)) + standard_curve()[None, :, None]
    plain = variance_explained(x, permutations=0)
    moved = variance_explained(100.0 + 2 * x, permutations=0)
    np.testing.assert_allclose(moved.eta2_split_half, plain.eta2_split_half, atol=1e-8)
    np.testing.assert_allclose(moved.ci, plain.ci, atol=1e-7)


def test_torch_and_numpy_input_give_the_same_figures():
    x = np.random.default_rng(12).normal(size=(20, 16, 5))
    ours, theirs = variance_explained(x), variance_explained(torch.from_numpy(x))
    np.testing.assert_array_equal(ours.eta2, theirs.eta2)
    np.testing.assert_array_equal(ours.p, theirs.p)


def test_features_that_never_vary_have_no_figures():
    x = np.zeros((20, 16, 2))
    x[:, :, 1] = 3.0
    found = variance_explained(x)
    for figure in (found.eta2, found.eta2_split_half, found.epsilon2, found.p, found.q):
        assert np.isnan(figure).all()
    assert found.firing_documents.tolist() == [0, 20]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.zeros((4, 8)), r"expected \[documents, positions, features\]"),
        (np.full((4, 8, 1), np.nan), "NaN or infinite, first at .* \\[0, 0, 0\\]"),
        (np.zeros((4, 1, 1)), "at least 1 and 2"),
    ],
)
def test_bad_activations_are_refused_in_one_line(bad, message):
    with pytest.raises(AssayError, match=message) as caught:
        variance_explained(bad)
    assert "\n" not in str(caught.value)


def test_wrong_groups_and_levels_are_refused():
    x = np.ones((4, 8, 1))
    with pytest.raises(AssayError, match="one document a row, 4"):
        variance_explained(x, groups=[0, 1])
    with pytest.raises(AssayError, match="did you mean 'no_sink'"):
        variance_explained(x, level="no_sinks")
