"""Planted truths of the causal level, and the labels that rest on them."""

from __future__ import annotations

import numpy as np
import pytest

from assay.errors import AssayError
from assay.position import crossed_shares

K = 16


def repeated(table_of_seed, repeats=60):
    """Replicates of one planted case as features of one table."""
    return np.stack([table_of_seed(np.random.default_rng(seed)) for seed in range(repeats)], -1)


def assert_within_three_errors(estimates, truth):
    error = np.std(estimates, ddof=1) / np.sqrt(len(estimates))
    assert abs(np.mean(estimates) - truth) <= 3 * error + 1e-6, (np.mean(estimates), truth, error)


def gated(generator, rate, combine, contents=1500):
    semantic = generator.random((contents, 1)) < rate
    return combine(semantic, (np.arange(K) < K // 4)[None]).astype(float)


@pytest.mark.parametrize(
    ("rate", "combine", "truth"),
    [
        (0.01, np.logical_and, (0.007519, 0.248120, 0.744361)),
        (0.01, np.logical_or, (0.961, 0.029, 0.010)),
        (0.05, np.logical_or, (0.826, 0.130, 0.044)),
    ],
    ids=["AND", "OR .01", "OR .05"],
)
def test_position_gated_features_get_their_shares(rate, combine, truth):
    found = crossed_shares(repeated(lambda g: gated(g, rate, combine)))
    # The stated truths of OR are rounded to three digits.
    for name, share in zip(("s_pos", "s_ctx", "s_int"), truth, strict=True):
        estimates = getattr(found, name)
        error = np.std(estimates, ddof=1) / np.sqrt(len(estimates))
        assert abs(np.mean(estimates) - share) <= 3 * error + 6e-4
    np.testing.assert_allclose(found.t_pos, found.s_pos + found.s_int)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    found = crossed_shares(repeated(lambda g: gated(g, 0.05, np.logical_or, 800), 200))
    s, a = 0.05, 0.25
    truth = a * (1 - a) * (1 - s) ** 2
    whole = (s + a - s * a) * (1 - (s + a - s * a))
    covered = (found.s_pos_low <= truth / whole) & (found.s_pos_high >= truth / whole)
    assert 0.88 <= covered.mean() <= 1.0


def test_pure_cases_get_their_labels():
    generator = np.random.default_rng(0)
    offsets = np.linspace(-1, 1, K)[None]
    content = generator.normal(size=(200, 1))
    cases = [
        ("position", offsets + np.zeros((200, 1))),
        ("content", content + np.zeros((1, K))),
        ("additive", content + 1.7 * offsets),
        ("semi-local", np.where(content > 1, offsets > 0, 0.0)),
        ("too rare", np.where(np.arange(200)[:, None] < 19, 1.0 + content**2, 0.0) + 0 * offsets),
    ]
    found = crossed_shares(np.stack([table for _, table in cases], axis=-1))
    assert found.labels() == [label for label, _ in cases]


def test_wide_intervals_are_undetermined():
    generator = np.random.default_rng(1)
    table = np.zeros((200, K))
    spread = 1 + 0.25 * generator.normal(size=(25, K))
    table[:25] = np.maximum(generator.lognormal(0, 1.5, size=(25, 1)) * spread, 0)
    found = crossed_shares(table[..., None])
    assert found.t_pos_low[0] < 0.05 < found.t_pos_high[0]
    assert found.labels() == ["undetermined"]


def test_filler_noise_is_context_and_never_position():
    """Content × filler variance only, and content with it: T_pos 0, label content."""
    generator = np.random.default_rng(2)
    noise = generator.normal(size=(128, 3, 8, 150))
    for table in (noise, noise + generator.normal(size=(128, 1, 1, 150))):
        found = crossed_shares(table)
        assert_within_three_errors(found.t_pos, 0.0)
        labels = found.labels()
        assert labels.count("content") >= 0.85 * len(labels)
        # The rest is undetermined; by chance alone one label in forty may be wrong.
        assert len(labels) - labels.count("content") - labels.count("undetermined") <= 4
    averaged = crossed_shares((noise + generator.normal(size=(128, 1, 1, 150))).mean(axis=2))
    assert averaged.s_int.mean() > 0.05, "averaging over fillers alone is not enough"


def test_filler_noise_leaves_the_shares_of_position_and_interaction():
    generator = np.random.default_rng(3)
    contents, features = 128, 200
    position = np.array([-1.0, 0, 1])[None, :, None, None]
    interaction = generator.normal(size=(contents, 3, 1, features))
    interaction -= interaction.mean(axis=1, keepdims=True)
    table = generator.normal(size=(contents, 1, 1, features)) + position + interaction
    table = table + 0.7 * generator.normal(size=(contents, 3, 8, features))
    table = table + 0.3 * generator.normal(size=(1, 3, 8, features))
    found = crossed_shares(table)
    whole = 1 + 2 / 3 + 2 / 3
    # A ratio of estimates is a little off its truth; with 128 contents by less than .005.
    for name, truth in (("s_pos", 2 / 3 / whole), ("s_ctx", 1 / whole), ("s_int", 2 / 3 / whole)):
        estimates = getattr(found, name)
        error = estimates.std(ddof=1) / np.sqrt(features)
        assert abs(estimates.mean() - truth) <= 3 * error + 0.005
    covered = (found.s_pos_low <= 2 / 3 / whole) & (found.s_pos_high >= 2 / 3 / whole)
    assert covered.mean() >= 0.92


def test_fillers_that_shift_all_contents_alike_do_not_pass_for_position():
    generator = np.random.default_rng(4)
    fillers = 0.6 * generator.normal(size=(1, 3, 8, 300))
    table = generator.normal(size=(128, 1, 1, 300)) + fillers
    found = crossed_shares(table)
    assert_within_three_errors(found.s_pos, 0.0)
    labels = found.labels()
    assert labels.count("additive") + labels.count("semi-local") + labels.count("position") == 0


def test_components_equal_a_textbook_analysis_of_variance():
    generator = np.random.default_rng(5)
    z = generator.normal(size=(20, 3, 5)) * (generator.random((20, 3, 5)) < 0.5)
    c, k, r = z.shape
    m, cell, filler = z.mean(), z.mean(2), z.mean(0)
    content, offset = z.mean((1, 2), keepdims=True), z.mean((0, 2))
    ms_ctx = k * r * ((content - m) ** 2).sum() / (c - 1)
    ms_pos = c * r * ((offset - m) ** 2).sum() / (k - 1)
    interaction = cell - content[:, :, 0] - offset + m
    ms_int = r * (interaction**2).sum() / ((c - 1) * (k - 1))
    ms_f = c * ((filler - offset[:, None]) ** 2).sum() / (k * (r - 1))
    rest = z - cell[:, :, None] - filler + offset[None, :, None]
    ms_e = (rest**2).sum() / (k * (r - 1) * (c - 1))
    pos = (k - 1) / k * (ms_pos - ms_f - ms_int + ms_e) / (c * r)
    ctx = (ms_ctx - ms_e) / (k * r)
    inter = (k - 1) / k * (ms_int - ms_e) / r
    strong = z + 10 * generator.normal(size=(20, 1, 1))
    assert crossed_shares(strong[..., None]).s_ctx[0] > 0.9
    found = crossed_shares((z + 0.0)[..., None])
    whole = pos + ctx + inter
    if not np.isclose(found.s_int[0], inter / whole):
        whole += (ms_f - ms_e) / c + ms_e
    assert found.s_pos[0] == pytest.approx(pos / whole)
    assert found.s_int[0] == pytest.approx(inter / whole)


def test_contents_of_one_document_are_left_out_together():
    generator = np.random.default_rng(6)
    own = generator.normal(size=(30, 4, 50))
    copies = np.repeat(own, 6, axis=0)
    apart = crossed_shares(copies)
    together = crossed_shares(copies, groups=np.repeat(np.arange(30), 6))
    width = (together.s_int_high - together.s_int_low) / (apart.s_int_high - apart.s_int_low)
    assert width.mean() > 1.8
    assert together.documents == 30
    assert together.firing_documents.max() <= 30


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (np.zeros((5, 5)), "expected \\[contents, offsets, features\\]"),
        (np.zeros((5, 1, 2)), "at least 2"),
        (np.zeros((5, 3, 1, 2)), "better 8"),
        (np.zeros((1, 3, 2)), "one content"),
        (np.full((5, 3, 2), np.inf), "first at index \\[0, 0, 0\\]"),
    ],
)
def test_tables_that_cannot_be_decomposed_are_refused(table, message):
    with pytest.raises(AssayError, match=message):
        crossed_shares(table)


def test_constant_features_have_no_shares_and_no_verdict():
    found = crossed_shares(np.ones((40, 3, 1)))
    assert np.isnan(found.t_pos[0])
    assert found.labels() == ["undetermined"]
