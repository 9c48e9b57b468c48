"""Selection inside a training step: in float32, or in bfloat16 with exact rescoring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor, nn

from assay.dictionaries.kernels import feature_dots, order_by_feature
from assay.dictionaries.selected_entries import Entries
from assay.dictionaries.selection import (
    SMALLEST,
    batch_bound,
    entries_above,
    group_maxima,
    group_size,
    keep_largest,
    keep_largest_of_each_row,
    largest_of_batch,
    largest_of_each_row,
    row_bounds,
)

if TYPE_CHECKING:
    from jaxtyping import Float

UNSAFE_SHARE = 0.01
"""The margin is doubled once more than this share of a batch's rows had to be selected again."""
NEAR = 1.25
"""Candidates up to this many times their bound show how coarsely values near it are rounded."""
BATCH_SHARE = 4
"""A selection over the whole batch takes this part of the margin for each of its rows."""


class Encoder(Protocol):
    """The parts of a dictionary that a selector reads."""

    W_enc: nn.Parameter
    b_enc: nn.Parameter

    @property
    def width(self) -> int:
        """Number of features."""


@dataclass
class SelectionRecord:
    """Counts of a run's selections in bfloat16, and the margin now in use."""

    margin: int
    """Candidates a row beyond k that are rescored in float32."""
    rows: int = 0
    """Rows selected in bfloat16."""
    unsafe: int = 0
    """Rows whose margin was not wide enough for the rounding seen; selected again in float32."""
    missed: int = 0
    """Entries that the first selection of those rows had missed."""

    def widen(self, width: int) -> None:
        """Double the margin, up to the width."""
        self.margin = min(2 * max(self.margin, 1), width)


class Workspace:
    """Buffers that are kept from step to step."""

    def __init__(self) -> None:
        self._buffers: dict[str, Tensor] = {}

    def buffer(self, name: str, shape: tuple[int, ...], dtype: torch.dtype, like: Tensor) -> Tensor:
        """A tensor with this shape and dtype on the device of ``like``; contents undefined."""
        held = self._buffers.get(name)
        if held is None or held.shape != shape or held.dtype != dtype or held.device != like.device:
            held = torch.empty(shape, dtype=dtype, device=like.device)
            self._buffers[name] = held
        return held


@dataclass(frozen=True)
class Selector:
    """Selects entries of u = W_enc · centred + b_enc for one batch.

    In bfloat16 the candidates are rescored in float32 by sampled dots. The rounding error is read
    off the candidates, whose value is known in both precisions; rows (or, for a selection over the
    batch, batches) in which an entry outside the candidates could have been kept within that error
    are selected again. So the set is that of float32 as long as the error of the entries left out
    does not exceed the largest of those rescored.
    """

    dictionary: Encoder
    """Whose encoder is applied."""
    centred: Float[Tensor, "rows d_in"]
    """float32 activations minus b_dec."""
    workspace: Workspace
    """Holds the buffer of pre-activations."""
    dtype: torch.dtype
    """float32 or bfloat16: precision of the product and of the first selection."""
    record: SelectionRecord
    """Counts, and the margin, which is used and widened."""

    def largest_of_each_row(self, k: int) -> Entries:
        """The positive entries among the k largest of each row."""
        if self.dtype == torch.float32:
            return largest_of_each_row(self._product(), k)
        u = self._product()
        kept_wanted = min(k + self.record.margin, u.shape[1])
        maxima = group_maxima(u, group_size(u.shape[1], kept_wanted))
        bounds = row_bounds(maxima, kept_wanted)
        entries, error = self._rescored(entries_above(u, maxima, bounds), bounds)
        kept = keep_largest_of_each_row(entries, len(u), k)
        smallest = bounds.new_full((len(u),), torch.inf)
        smallest.scatter_reduce_(0, kept.rows.long(), kept.values, "amin")
        unsafe = ((smallest < bounds + error) & (bounds > SMALLEST)).nonzero().flatten()
        self.record.rows += len(u)
        if len(unsafe) and kept_wanted < u.shape[1]:
            kept = self._selected_again(kept, unsafe, k)
            if len(unsafe) > UNSAFE_SHARE * len(u):
                self.record.widen(u.shape[1])
        return kept

    def largest_of_batch(self, k: int) -> Entries:
        """The positive entries among the rows·k largest of the batch."""
        u = self._product()
        if self.dtype == torch.float32:
            return largest_of_batch(u, k * len(u))
        self.record.rows += len(u)
        first = None
        while k + self.record.margin < u.shape[1]:
            kept, safe = self._batch_candidates(u, k)
            if first is not None:
                self.record.missed += count_missing(kept, first, u.shape[1])
            if safe:
                return kept
            first = kept
            self.record.unsafe += len(u)
            self.record.widen(u.shape[1])
        return largest_of_batch(self._product_float32(self.centred), k * len(u))

    def above(self, thresholds: Float[Tensor, " width"]) -> Entries:
        """All entries above their feature's threshold; always in float32."""
        dictionary = self.dictionary
        shifted = self._product_float32(self.centred, dictionary.b_enc - thresholds)
        entries = entries_above(shifted, shifted, SMALLEST)
        values = entries.values + thresholds[entries.features]
        return Entries(entries.rows, entries.features, values)

    def _batch_candidates(self, u: Tensor, k: int) -> tuple[Entries, bool]:
        # The rows share the margin here, so that a part of it is as safe as the whole for each.
        margin = -(-self.record.margin // BATCH_SHARE)
        wanted = len(u) * (k + margin)
        maxima = group_maxima(u, group_size(u.shape[1], k + margin))
        bound = batch_bound(maxima, wanted, sampled=True)
        candidates = entries_above(u, maxima, bound)
        if bound > SMALLEST and len(candidates) < len(u) * k:
            bound = batch_bound(maxima, wanted, sampled=False)
            candidates = entries_above(u, maxima, bound)
        entries, error = self._rescored(candidates, bound)
        kept = keep_largest(entries, len(u) * k)
        if bound <= SMALLEST:
            return kept, True
        return kept, len(kept) >= len(u) * k and float(kept.values.min()) >= bound + error

    def _rescored(self, candidates: Entries, bounds: Tensor | float) -> tuple[Entries, float]:
        """The candidates that are positive in float32, and the rounding error near the bounds.

        The error is the largest of those candidates that lie within NEAR of their bound, because
        larger values are rounded more coarsely than the ones that could have been missed.
        """
        weight, bias = self.dictionary.W_enc.data, self.dictionary.b_enc.data
        sorted_by = order_by_feature(candidates.features, self.dictionary.width)
        rows = candidates.rows.index_select(0, sorted_by.order)
        dots = feature_dots(self.centred, weight, rows, sorted_by.offsets)
        values = torch.empty_like(candidates.values)
        values[sorted_by.order] = dots
        values += bias.index_select(0, candidates.features)
        bound = (
            bounds.index_select(0, candidates.rows) if isinstance(bounds, torch.Tensor) else bounds
        )
        near = candidates.values <= NEAR * bound
        error = float((values - candidates.values).abs_().mul_(near).max()) if len(values) else 0.0
        entries = Entries(candidates.rows, candidates.features, values)
        positive = values > 0
        return (entries if bool(positive.all()) else entries.take(positive)), error

    def _selected_again(self, kept: Entries, unsafe: Tensor, k: int) -> Entries:
        exact = largest_of_each_row(self._product_float32(self.centred[unsafe]), k)
        exact = Entries(unsafe.to(exact.rows.dtype)[exact.rows], exact.features, exact.values)
        redone = torch.zeros(len(self.centred), dtype=torch.bool, device=unsafe.device)
        redone[unsafe] = True
        again = redone[kept.rows]
        width = self.dictionary.width
        self.record.unsafe += len(unsafe)
        self.record.missed += count_missing(exact, kept.take(again), width)
        rest = kept.take(~again)
        rows = torch.cat([rest.rows, exact.rows])
        order = rows.argsort(stable=True)
        features = torch.cat([rest.features, exact.features])
        return Entries(rows, features, torch.cat([rest.values, exact.values])).take(order)

    def _product(self) -> Tensor:
        if self.dtype == torch.float32:
            return self._product_float32(self.centred)
        dictionary, x = self.dictionary, self.centred
        weight = self.workspace.buffer("W_enc", tuple(dictionary.W_enc.shape), self.dtype, x)
        weight.copy_(dictionary.W_enc.data)
        out = self.workspace.buffer("u", (len(x), dictionary.width), self.dtype, x)
        bias = dictionary.b_enc.data.to(self.dtype)
        return torch.addmm(bias, x.to(self.dtype), weight.T, out=out)

    def _product_float32(self, centred: Tensor, bias: Tensor | None = None) -> Tensor:
        dictionary = self.dictionary
        bias = dictionary.b_enc.data if bias is None else bias.detach()
        name = "u" if len(centred) == len(self.centred) else "u of some rows"
        out = self.workspace.buffer(
            name, (len(centred), dictionary.width), torch.float32, self.centred
        )
        return torch.addmm(bias, centred, dictionary.W_enc.data.T, out=out)


def count_missing(exact: Entries, found: Entries, width: int) -> int:
    """Entries of ``exact`` that ``found`` does not hold."""
    keys = exact.rows.long() * width + exact.features
    return int((~torch.isin(keys, found.rows.long() * width + found.features)).sum())
