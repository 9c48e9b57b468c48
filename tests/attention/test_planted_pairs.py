"""Planted query–key pairs and a planted kernel of distance are recovered; an untrained start is not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from planted_attention import D_MODEL, FEATURES, HEAD_DIM, STRENGTH, planted_sample, unrotated

from assay.attention import (
    QKSettings,
    load_qk,
    log_patterns,
    pattern_kl,
    relative_kernels,
    train_qk,
)
from assay.attention.qk_training import started
from assay.errors import AssayError

SETTINGS = QKSettings(width=48, k=6, warm_steps=200, steps=300, crops=16, learning_rate=1e-2)
FREQUENCIES = (0.5, 0.13, 0.04, 0.011)


def effects(transcoder, frame):
    """What each true feature by itself adds to a query or a key."""
    with torch.no_grad():
        return transcoder(frame) - transcoder(torch.zeros(1, D_MODEL))


def pair_matrix(dictionary, frame):
    return effects(dictionary.query, frame) @ effects(dictionary.key, frame).T / HEAD_DIM**0.5


def error_and_precision(dictionary, frame, queries, keys):
    true = torch.zeros(FEATURES, FEATURES)
    true[queries, keys] = STRENGTH
    found = pair_matrix(dictionary, frame)
    top = found.flatten().topk(len(queries)).indices
    precision = float((true.flatten()[top] > 0).double().mean())
    return float((found - true).norm() / true.norm()), precision


@pytest.fixture(scope="module")
def trained():
    sample, frame, queries, keys = planted_sample(1024)
    learned, baseline = train_qk(unrotated(), sample, SETTINGS, 0)
    return learned, baseline, frame, (queries, keys)


def test_the_planted_pairs_are_found_with_their_strengths(trained):
    learned, _, frame, (queries, keys) = trained
    error, precision = error_and_precision(learned, frame, queries, keys)
    assert precision == 1.0
    assert error < 0.06
    tested, *_ = planted_sample(128, seed=1)
    with torch.no_grad():
        true = log_patterns(unrotated(), tested.q, tested.k)
        found = log_patterns(unrotated(), learned.query(tested.x), learned.key(tested.x))
    assert float(pattern_kl(true, found).mean()) < 0.002
    assert float(((learned.query.encode(tested.x) > 0).sum(-1)).max()) <= SETTINGS.k


def test_an_untrained_dictionary_does_not_have_them():
    sample, frame, queries, keys = planted_sample(64)
    error, _ = error_and_precision(started(unrotated(), sample, SETTINGS, 0), frame, queries, keys)
    assert error > 0.2


def test_a_planted_kernel_of_distance_is_recovered():
    sample, frame, queries, keys = planted_sample(512)
    generator = torch.Generator().manual_seed(11)
    rows = [torch.randn(FEATURES, HEAD_DIM, generator=generator) for _ in range(2)]
    z = sample.x @ frame.T
    sample = type(sample)(sample.x, z @ rows[0], z @ rows[1], sample.v)
    attention = unrotated(frequencies=FREQUENCIES)
    learned, _ = train_qk(attention, sample, SETTINGS, 0)
    distances = torch.arange(25).float()
    u, v = effects(learned.query, frame), effects(learned.key, frame)
    for a, b in zip(queries[:6].tolist(), keys[:6].tolist(), strict=True):
        true = relative_kernels(attention, rows[0][a][None], rows[1][b][None], distances)[0]
        found = relative_kernels(attention, u[a][None], v[b][None], distances)[0]
        assert np.corrcoef(true.numpy(), found.numpy())[0, 1] > 0.99


def test_the_same_inputs_give_the_same_bytes_and_a_saved_dictionary_is_the_same(tmp_path):
    sample, *_ = planted_sample(32)
    few = SETTINGS.model_copy(update={"warm_steps": 5, "steps": 3})
    (one, _), (two, _) = (train_qk(unrotated(), sample, few, 3) for _ in range(2))
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one.save(tmp_path / "one")
    two.save(tmp_path / "two")
    weights = [(tmp_path / name / "qk.safetensors").read_bytes() for name in ("one", "two")]
    assert weights[0] == weights[1]
    read = load_qk(tmp_path / "one")
    assert torch.equal(read.query.encode(sample.x), one.query.encode(sample.x))
    (tmp_path / "one" / "qk.safetensors").write_bytes(weights[0][:-200])
    with pytest.raises(AssayError, match="truncated or damaged"):
        load_qk(tmp_path / "one")


def test_too_few_crops_are_refused():
    sample, *_ = planted_sample(8)
    with pytest.raises(AssayError, match="8 crops to learn from; a step takes 16"):
        train_qk(unrotated(), sample, SETTINGS, 0)
