"""A random dictionary of the same firing rates, and whether the trained one is better separated."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_position_models import SIZES, random_crops, random_dictionary, tiny_llama

from assay.position import SEPARATED_FEATURES, audit_position, position_evidence
from assay.position.crossed.separation import Separation
from assay.position.random_directions import ActivationSample, random_directions
from assay.position.separation_intervals import (
    interval_of_difference,
    interval_of_share,
    separated_share,
)

DOCUMENTS, FEATURES = 30, 400


@pytest.fixture(scope="module")
def audit():
    model = tiny_llama()
    return audit_position(
        model, random_dictionary(scale=3.0), "resid_post.1", random_crops(), causal=SIZES
    )


def test_random_directions_fire_as_often_as_the_trained_features():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(20_000, 32, generator=generator) @ torch.randn(32, 32, generator=generator)
    rates = np.random.default_rng(0).lognormal(-4, 1, 64).clip(max=0.4)
    rates[:5] = 0.0
    found = random_directions(random_dictionary(width=64), x, rates, draws=3)
    assert found.dictionary.width == 3 * 64
    torch.testing.assert_close(found.dictionary.W_dec.norm(dim=1), torch.ones(192))
    torch.testing.assert_close(found.dictionary.W_dec, found.dictionary.W_enc)
    codes = found.dictionary.encode(x)
    fired = torch.bincount(codes.features, minlength=192).numpy() / len(x)
    for draw in range(3):
        own = np.sort(fired[found.draw_of_feature == draw])
        np.testing.assert_allclose(own, np.sort(rates), atol=1 / len(x))
    assert len(codes.values) / len(x) == pytest.approx(3 * rates.sum(), rel=0.01)


def test_the_sample_of_activations_is_spread_over_the_pass_and_leaves_the_sink_out():
    x = torch.arange(40_000.0)[:, None]
    out = x[:, 0] % 10 == 0
    sample = ActivationSample(len(x))
    for part, left in zip(x.split(999), out.split(999), strict=True):
        sample.add(part, left)
    rows = sample.rows()[:, 0]
    assert 10_000 < len(rows) <= 16_384
    assert (rows % 10 != 0).all()
    assert set(rows.diff().tolist()) <= {3.0, 4.0}


def test_the_audit_says_what_a_random_dictionary_reaches(audit):
    result = audit.result()
    found = result.random_dictionary
    assert (found.draws, found.features) == (8, 8 * 48)
    assert 0 <= found.too_rare <= 1
    assert found.difference == pytest.approx(
        result.summary.well_separated - found.well_separated, abs=1e-5
    )
    assert found.interval[0] <= found.difference <= found.interval[1]
    low, high = result.summary.well_separated_ci
    assert low <= result.summary.well_separated <= high
    (record,) = [
        record
        for record in position_evidence(result, {}, "held_out")
        if record.metric == SEPARATED_FEATURES
    ]
    rare = 48 - result.summary.not_too_rare
    assert f"of the {result.summary.not_too_rare} of 48 features" in record.note
    assert f"{100 * rare / 48:.1f} % are too rare" in record.note
    assert "A random dictionary of the same firing rates reaches" in record.note


def test_the_random_dictionary_costs_no_pass_of_the_model(audit, monkeypatch):
    from assay.position.crossed import causal_audit, table_run

    passes = []
    run = table_run.run_cell
    monkeypatch.setattr(table_run, "run_cell", lambda *a, **k: passes.append(1) or run(*a, **k))
    options = {"sizes": SIZES, "seed": 0}
    inputs = (tiny_llama(), random_dictionary(), audit_site(), random_crops())
    causal_audit.audit_causally(*inputs, **options)
    alone = len(passes)
    causal_audit.audit_causally(*inputs, **options, beside=random_dictionary(width=96))
    assert len(passes) == 2 * alone


def audit_site():
    from assay.models import Site

    return Site.parse("resid_post.1")


def correlated_labels(generator, chance):
    """Labels that whole documents move alike: the share varies far more than with independent
    features. Leave-one-out labels of the same threshold rule."""
    effect = generator.normal(size=DOCUMENTS)
    own = generator.normal(size=FEATURES)
    border = np.quantile(generator.normal(size=100_000), chance)

    def labels(weights):
        return own * 0.5 + 3 * (weights @ effect) / weights.sum() < border

    every = np.ones(DOCUMENTS)
    return Separation(
        frequent=np.ones(FEATURES, dtype=bool),
        on_all=labels(every),
        without_group=np.stack([labels(every - row) for row in np.eye(DOCUMENTS)]),
        without_filler=np.zeros((0, FEATURES), dtype=bool),
        documents=DOCUMENTS,
    )


def test_the_interval_is_over_documents_and_not_over_features_taken_as_labelled():
    every = np.ones(FEATURES, dtype=bool)
    generator = np.random.default_rng(1)
    found = [separated_share(correlated_labels(generator, 0.5), every) for _ in range(200)]
    truth = np.mean([share.on_all for share in found])
    held, by_features = [], []
    for share in found:
        low, high = interval_of_share(share, DOCUMENTS)
        held.append(low <= truth <= high)
        error = 1.96 * np.sqrt(share.on_all * (1 - share.on_all) / FEATURES)
        by_features.append(abs(share.on_all - truth) <= error)
    assert np.mean(held) >= 0.92
    assert np.mean(by_features) < 0.4


def test_a_difference_to_random_directions_needs_the_draws_and_the_documents():
    every = np.ones(FEATURES, dtype=bool)
    share = separated_share(correlated_labels(np.random.default_rng(2), 0.5), every)
    nothing = share - share
    assert interval_of_difference(nothing, np.full(8, 0.9)) == (0.0, 0.0)
    low, high = interval_of_difference(nothing, np.array([0.7, 0.8, 0.9, 1.0]))
    assert low < -0.1
    assert high > 0.1


def test_features_that_are_all_separated_have_no_interval_of_width_zero():
    same = np.ones((5, FEATURES), dtype=bool)
    found = Separation(same[0], same[0], same, same[:0], 20)
    low, high = interval_of_share(separated_share(found, same[0]), 20)
    assert high == 1.0
    assert low == pytest.approx(0.832, abs=0.001)
