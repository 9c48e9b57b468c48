"""The contexts shown for a feature are where it fires most, whatever the batching."""

from __future__ import annotations

import numpy as np
import torch

from assay.dictionaries.codes import SparseCodes
from assay.dictionaries.top_contexts import ContextCollector

LENGTH = 30


def random_codes(crops, width, seed=0):
    generator = torch.Generator().manual_seed(seed)
    dense = torch.rand(crops * LENGTH, width, generator=generator)
    return torch.where(dense > 0.8, dense, 0.0)


def collect(dense, out, width, per_batch, contexts=4):
    step = per_batch * LENGTH
    collector = ContextCollector(width, LENGTH, contexts=contexts)
    for i in range(0, len(dense), step):
        codes = SparseCodes.from_dense(dense[i : i + step])
        collector.add(codes, i // LENGTH, out[i : i + step])
    return collector.finish()


def test_contexts_are_the_strongest_crops_by_brute_force_and_batching_does_not_matter():
    crops, width = 12, 5
    dense = random_codes(crops, width)
    out = torch.arange(len(dense)) % LENGTH == 0
    found = collect(dense, out, width, per_batch=5)
    again = collect(dense, out, width, per_batch=12)
    assert np.array_equal(found.rows, again.rows)
    assert np.array_equal(found.activations, again.activations)
    allowed = dense.clone()
    allowed[out] = 0
    per_crop = allowed.reshape(crops, LENGTH, width)
    for feature in range(width):
        peaks, places = per_crop[:, :, feature].max(1)
        expected = peaks.argsort(descending=True)[:4]
        assert found.rows[feature].tolist() == expected.tolist()
        assert found.positions[feature].tolist() == places[expected].tolist()


def test_the_window_holds_the_feature_around_its_peak_and_zero_beyond_the_crop():
    dense = random_codes(3, 2, seed=1)
    out = torch.zeros(len(dense), dtype=torch.bool)
    found = collect(dense, out, 2, per_batch=3)
    for feature in range(2):
        for context in range(3):
            row, peak = found.rows[feature, context], found.positions[feature, context]
            for offset, value in enumerate(found.activations[feature, context]):
                position = peak + offset - found.before
                inside = 0 <= position < LENGTH
                truth = float(dense[row * LENGTH + position, feature]) if inside else 0.0
                assert value == np.float32(truth)


def test_a_feature_that_never_fires_has_no_context():
    dense = random_codes(3, 2)
    dense[:, 1] = 0
    found = collect(dense, torch.zeros(len(dense), dtype=torch.bool), 2, per_batch=2)
    assert (found.rows[1] == -1).all()
    assert (found.activations[1] == 0).all()
