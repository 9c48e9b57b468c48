"""Selection by group maxima is exact; selection in bfloat16 equals that in float32."""

import pytest
import torch
from dense_reference import among_largest_of_batch, among_largest_of_each_row
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.dictionaries.kernels import order_by_feature
from assay.dictionaries.selection import (
    SAMPLED_ROWS,
    entries_above,
    group_maxima,
    group_size,
    largest_of_batch,
    largest_of_each_row,
)
from assay.dictionaries.selector import SelectionRecord, Selector, Workspace
from assay.dictionaries.state import new_dictionary
from assay.dictionaries.training_config import TrainingConfig


def chosen(entries, shape):
    mask = torch.zeros(shape, dtype=torch.bool)
    mask[entries.rows, entries.features] = True
    return mask


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 40),
    width=st.sampled_from([1, 7, 48, 256, 512, 1000, 2048]),
    k=st.integers(1, 20),
    shift=st.sampled_from([-3.0, 0.0, 2.0]),
    seed=st.integers(0, 1 << 16),
)
def test_largest_of_each_row_equals_a_full_sort(rows, width, k, shift, seed):
    k = min(k, width)
    u = torch.randn(rows, width, generator=torch.Generator().manual_seed(seed)) + shift
    entries = largest_of_each_row(u, k)
    assert torch.equal(chosen(entries, u.shape), among_largest_of_each_row(u, k))
    assert torch.equal(entries.values, u[entries.rows, entries.features])
    assert (entries.rows.diff() >= 0).all()


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 40),
    width=st.sampled_from([7, 48, 256, 1000, 2048]),
    k=st.integers(1, 20),
    shift=st.sampled_from([-3.0, 0.0, 2.0]),
    seed=st.integers(0, 1 << 16),
)
def test_largest_of_batch_equals_a_full_sort(rows, width, k, shift, seed):
    count = min(k, width) * rows
    u = torch.randn(rows, width, generator=torch.Generator().manual_seed(seed)) + shift
    # One row far above the others defeats the guess from a sample of rows.
    u[-1] += 5
    entries = largest_of_batch(u, count)
    assert torch.equal(chosen(entries, u.shape), among_largest_of_batch(u, count))


def test_entries_concentrated_in_one_group_are_all_found():
    width, k = 1024, 8
    size = group_size(width, k)
    assert size > 1
    u = torch.rand(5, width) * 0.1
    groups = group_maxima(torch.arange(width).float().expand(5, width), size)
    last = int(groups[0, 0])  # the largest feature index of the first group
    lane = width // size if width // size < 128 else 64
    members = torch.arange(last, -1, -lane)[:k]
    u[:, members] += 1
    assert torch.equal(chosen(largest_of_each_row(u, k), u.shape), among_largest_of_each_row(u, k))


def test_equal_values_never_give_a_row_more_than_k():
    u = torch.ones(6, 512)
    entries = largest_of_each_row(u, 5)
    assert torch.bincount(entries.rows).tolist() == [5] * 6


def test_groups_partition_the_features():
    u = torch.arange(4608.0).expand(2, 4608).contiguous()
    maxima = group_maxima(u, 16)
    entries = entries_above(u, maxima, 0.0)
    assert torch.equal(entries.features[:4608].sort().values, torch.arange(4608))
    assert torch.equal(entries.values[:4608], entries.features[:4608].float())


def make_selector(dtype, margin, seed=0, width=1024, d_in=64, rows=200):
    torch.manual_seed(seed)
    dictionary = new_dictionary(d_in, TrainingConfig(width=width, k=8))
    dictionary.W_enc.data.normal_()
    dictionary.b_enc.data.normal_()
    record = SelectionRecord(margin)
    x = torch.randn(rows, d_in)
    # The rows that a batch's threshold is guessed from are larger than most, so that the guess is
    # too high and the exact threshold has to be found.
    x[::SAMPLED_ROWS] *= 1.5
    selector = Selector(
        dictionary=dictionary, centred=x, workspace=Workspace(), dtype=dtype, record=record
    )
    return selector, record


@pytest.mark.parametrize("method", ["largest_of_each_row", "largest_of_batch"])
@pytest.mark.parametrize("margin", [0, 1, 8])
def test_bfloat16_selection_equals_float32_whatever_the_margin(method, margin):
    exact, _ = make_selector(torch.float32, margin)
    fast, record = make_selector(torch.bfloat16, margin)
    wanted, got = getattr(exact, method)(8), getattr(fast, method)(8)
    shape = (200, 1024)
    assert torch.equal(chosen(got, shape), chosen(wanted, shape))
    assert record.rows == 200
    order = torch.argsort(got.rows * 1024 + got.features)
    expected = torch.argsort(wanted.rows * 1024 + wanted.features)
    torch.testing.assert_close(got.values[order], wanted.values[expected], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("method", ["largest_of_each_row", "largest_of_batch"])
def test_too_narrow_a_margin_is_noticed_counted_and_widened(method):
    # An odd width cannot be grouped, so that a margin of 0 leaves exactly k candidates.
    exact, _ = make_selector(torch.float32, 0, width=1023)
    fast, record = make_selector(torch.bfloat16, 0, width=1023)
    wanted, got = getattr(exact, method)(8), getattr(fast, method)(8)
    assert torch.equal(chosen(got, (200, 1023)), chosen(wanted, (200, 1023)))
    assert record.unsafe > 0
    assert record.margin > 0
    if method == "largest_of_each_row":
        assert record.missed > 0


def test_wide_margins_miss_nothing_and_stay():
    selector, record = make_selector(torch.bfloat16, 16)
    selector.largest_of_each_row(8)
    assert record.missed == 0
    assert record.margin == 16


@pytest.mark.parametrize("width", [100, 4608, 40_000])
def test_order_by_feature_sorts_and_keeps_the_order_of_equals(width):
    features = torch.randint(0, width, (5000,), generator=torch.Generator().manual_seed(0))
    order = order_by_feature(features, width)
    in_order = features[order.order]
    assert torch.equal(in_order, features.sort().values)
    equal = in_order[1:] == in_order[:-1]
    assert (order.order.diff()[equal] > 0).all()
    assert torch.equal(order.counts, torch.bincount(features, minlength=width))
    assert order.offsets.tolist() == [0, *order.counts.cumsum(0).tolist()]
