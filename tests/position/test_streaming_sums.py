"""One pass over sparse codes: equal to the dense figures, however it is cut, and of flat size."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from assay.dictionaries.codes import SparseCodes
from assay.errors import AssayError
from assay.position import PositionSums, summarise, variance_explained

T, WIDTH = 20, 30
FIGURES = ("firing_rate", "firing_documents", "p", "q", "indicator", "magnitude", "selectivity")


def sparse_activations(documents, seed=0):
    generator = np.random.default_rng(seed)
    fires = generator.random((documents, T, WIDTH)) < np.linspace(0.05, 0.6, WIDTH)
    return (fires * generator.lognormal(0, 1, fires.shape)).astype(np.float32)


def stream(x, documents, batches, massive=None, **options):
    sums = PositionSums(documents, WIDTH, T, **options)
    for rows in batches:
        codes = SparseCodes.from_dense(torch.from_numpy(x[rows]).flatten(0, 1))
        out = None if massive is None else torch.from_numpy(massive[rows]).flatten()
        sums.add(codes, out)
    return sums


def assert_equal_figures(one, other, tolerance=1e-12):
    for name in FIGURES:
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=tolerance)
    for level, figures in one.levels.items():
        for name in ("eta2", "eta2_null", "eta2_split_half", "ci", "epsilon2"):
            mine, theirs = getattr(figures, name), getattr(other.levels[level], name)
            np.testing.assert_allclose(mine, theirs, atol=tolerance)


def test_streaming_sparse_codes_equals_dense_input():
    x = sparse_activations(64)
    dense = variance_explained(x, permutations=20)
    batches = [slice(0, 1), slice(1, 30), slice(30, 64)]
    streamed = summarise(stream(x, np.arange(64), batches, permutations=20))
    assert_equal_figures(streamed, dense)


def test_cutting_the_pass_differently_changes_nothing():
    x = sparse_activations(60)
    documents = np.arange(60) // 3
    one = stream(x, documents, [slice(0, 60)], permutations=20)
    many = stream(x, documents, [slice(i, i + 3) for i in range(0, 60, 3)], permutations=20)
    assert_equal_figures(summarise(one), summarise(many))


def test_massive_tokens_count_at_level_all_alone():
    """Removing a token must equal never having had it, in every figure of the level."""
    x = sparse_activations(60)
    massive = np.zeros((60, T), dtype=bool)
    massive[::7, 1] = massive[3::11, 5] = massive[:, 0] = True
    loud = np.where(massive[..., None], 1000.0, x).astype(np.float32)
    silent = np.where(massive[..., None], 0.0, x).astype(np.float32)
    options = {"permutations": 20, "level": "no_sink"}
    documents = np.arange(60) // 2
    with_loud = summarise(stream(loud, documents, [slice(0, 60)], massive, **options))
    with_silent = summarise(stream(silent, documents, [slice(0, 60)], massive, **options))
    for name in FIGURES:
        np.testing.assert_allclose(getattr(with_loud, name), getattr(with_silent, name), atol=1e-9)
    for level in ("no_sink", "no_first_8"):
        np.testing.assert_allclose(
            with_loud.levels[level].ci, with_silent.levels[level].ci, atol=1e-9
        )
    assert not np.allclose(with_loud.eta2, with_silent.eta2)
    assert with_loud.levels["all"].tokens == 60 * T
    assert with_loud.levels["no_sink"].tokens == int((~massive).sum())
    at_all = stream(loud, documents, [slice(0, 30), slice(30, 60)], massive, permutations=0)
    dense = variance_explained(loud, groups=documents, permutations=0)
    np.testing.assert_allclose(summarise(at_all).eta2_split_half, dense.eta2_split_half, atol=1e-9)
    np.testing.assert_allclose(summarise(at_all).ci, dense.ci, atol=1e-9)


def test_missing_tokens_leave_the_split_half_figure_unbiased():
    """Tokens missing at random, on a large constant level: still the planted share."""
    generator = np.random.default_rng(5)
    g = np.linspace(-1, 1, T)
    g = (g - g[1:].mean()) / g[1:].std()
    noise = generator.normal(size=(60, T, WIDTH))
    x = 5 + np.sqrt(0.3) * g[None, :, None] + np.sqrt(0.7) * noise
    x = np.maximum(x, 1e-3).astype(np.float32)
    massive = generator.random((60, T)) < 0.2
    sums = stream(x, np.arange(60) // 2, [slice(0, 60)], massive, permutations=0)
    found = summarise(sums).levels["no_sink"].eta2_split_half
    error = found.std(ddof=1) / np.sqrt(WIDTH)
    assert abs(found.mean() - 0.3) <= 3 * error


def test_memory_does_not_grow_with_the_number_of_tokens():
    def size(documents):
        x = sparse_activations(documents)
        parts = [slice(i, i + 20) for i in range(0, documents, 20)]
        sums = stream(x, np.arange(documents), parts, permutations=10)
        held = [sums.totals.total, sums.shifts.total, sums.firing.fired, sums.firing.binned]
        held += [
            t for pairs in sums.pairs.values() for t in vars(pairs).values() if torch.is_tensor(t)
        ]
        return sum(tensor.numel() * tensor.element_size() for tensor in held)

    assert size(20) == size(80)


def test_a_document_cut_between_two_calls_is_refused():
    x = sparse_activations(6)
    with pytest.raises(AssayError, match="same document"):
        stream(x, np.arange(6) // 3, [slice(0, 2), slice(2, 6)])
    with pytest.raises(AssayError, match="adjacent"):
        PositionSums([0, 1, 0], WIDTH, T)


def test_figures_of_an_unfinished_pass_are_refused():
    x = sparse_activations(6)
    with pytest.raises(AssayError, match="3 of 6 crops"):
        summarise(stream(x, np.arange(6), [slice(0, 3)]))


def test_codes_of_another_width_or_length_are_refused():
    sums = PositionSums(np.arange(4), WIDTH, T)
    codes = SparseCodes.from_dense(torch.ones(T + 1, WIDTH))
    with pytest.raises(AssayError, match=f"whole crops of {T} tokens"):
        sums.add(codes)
