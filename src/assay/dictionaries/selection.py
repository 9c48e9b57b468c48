"""Exact selection of the largest pre-activations, faster than a sort of the whole matrix.

The features are cut into groups and only the maximum of each group is looked at: the
k-th largest group maximum of a row is a lower bound of the row's k-th largest entry, because k
groups hold an entry at least as large. Entries at or above the bound are few, lie in few groups,
and are then ranked exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from assay.dictionaries.selected_entries import Entries

if TYPE_CHECKING:
    from jaxtyping import Float

GROUP_SIZES = (8, 4, 2)
"""Features a group, largest first; the first that divides the width and leaves enough groups."""
GROUPS_PER_KEPT = 4
"""Groups wanted for each entry kept, so that few groups hold two of them."""
SORTED_AT_ONCE = 320
"""Rows up to about so long are sorted in vector registers alone."""
FEWEST_LANES = 64
"""Neighbouring features, at least so many, belong to different groups."""
SAMPLED_ROWS = 8
"""One row in so many is read to guess the threshold of a whole batch."""
SMALLEST = torch.finfo(torch.float32).tiny
"""Bounds are clamped here: only positive entries are ever kept."""


def group_size(width: int, kept: int) -> int:
    """Features a group for a selection of ``kept`` entries a row; 1 means no grouping."""
    for size in GROUP_SIZES:
        if width % size == 0 and width // size >= GROUPS_PER_KEPT * kept:
            return size
    return 1


def lanes_of(groups: int) -> int:
    """Number of neighbouring features that all belong to different groups.

    It is also the distance between the members of a group: small enough that they share a page of
    memory, large enough to fill vector registers.
    """
    lanes = groups
    while lanes % 2 == 0 and lanes // 2 >= FEWEST_LANES:
        lanes //= 2
    return lanes


def group_maxima(u: Float[Tensor, "rows width"], size: int) -> Float[Tensor, "rows groups"]:
    """Maximum of each group, in the dtype of ``u``.

    Group b·lanes + l holds every lanes-th feature, from the l-th on, of the block b of size·lanes
    features.
    """
    if size == 1:
        return u
    groups = u.shape[1] // size
    lanes = lanes_of(groups)
    return u.view(len(u), groups // lanes, size, lanes).amax(2).view(len(u), groups)


def row_bounds(maxima: Float[Tensor, "rows groups"], count: int) -> Float[Tensor, " rows"]:
    """A lower bound of the count-th largest entry of each row, at least SMALLEST.

    It is the count-th largest maximum of still coarser groups: short rows are sorted much faster.
    """
    columns = maxima.shape[1]
    while columns > SORTED_AT_ONCE and columns % 2 == 0 and columns >= 2 * GROUPS_PER_KEPT * count:
        columns //= 2
        maxima = torch.maximum(maxima[:, :columns], maxima[:, columns:])
    return sorted_rows(maxima.float())[:, columns - count].clamp(min=SMALLEST)


def sorted_rows(values: Float[Tensor, "rows columns"]) -> Float[Tensor, "rows columns"]:
    """Each row in rising order. On a CPU numpy's vectorised sort, many times faster than torch's."""
    if values.device.type == "cpu":
        return torch.from_numpy(np.sort(values.numpy(), axis=1))
    return values.sort(dim=1).values


def kth_largest(values: Float[Tensor, " count"], k: int) -> float:
    """The k-th largest of a flat list."""
    if values.device.type == "cpu":
        return float(np.partition(values.numpy(), len(values) - k)[len(values) - k])
    # On a GPU kthvalue searches a flat list with one block; topk uses them all.
    return float(values.topk(k, sorted=False).values.min())


def batch_bound(maxima: Float[Tensor, "rows groups"], count: int, *, sampled: bool) -> float:
    """A threshold that about ``count`` group maxima of the batch reach, at least SMALLEST.

    Unsampled it is the count-th largest maximum, so that at least ``count`` entries reach it.
    Sampled it is guessed from one row in SAMPLED_ROWS.
    """
    if sampled:
        maxima, count = maxima[::SAMPLED_ROWS], -(-count // SAMPLED_ROWS)
    flat = maxima.float().flatten()
    return max(kth_largest(flat, min(count, len(flat))), SMALLEST)


def entries_above(
    u: Float[Tensor, "rows width"],
    maxima: Float[Tensor, "rows groups"],
    bounds: Float[Tensor, " rows"] | float,
) -> Entries:
    """All entries that reach their row's bound (or the one bound); values as float32.

    ``maxima`` are those of ``group_maxima``; bounds are exact in the dtype of ``u``.
    """
    width, groups = u.shape[1], maxima.shape[1]
    by_row = bounds.to(u.dtype).unsqueeze(1) if isinstance(bounds, torch.Tensor) else None
    places = (maxima >= (bounds if by_row is None else by_row)).flatten().nonzero().flatten()
    if u.numel() < 1 << 31:
        # Half the memory to move, wherever the indices go from here.
        places = places.int()
    rows = torch.div(places, groups, rounding_mode="floor")
    flat = u.flatten()
    if groups == width:
        return Entries(rows, places - rows * width, flat.index_select(0, places).float())
    size, lanes = width // groups, lanes_of(groups)
    blocks = torch.div(places, lanes, rounding_mode="floor")
    firsts = places + blocks * (lanes * (size - 1))
    members = firsts.unsqueeze(1) + torch.arange(size, dtype=places.dtype, device=u.device) * lanes
    values = flat.index_select(0, members.view(-1)).view(-1, size)
    kept = (values >= (bounds if by_row is None else by_row.index_select(0, rows))).view(-1)
    which = kept.nonzero().flatten()
    members = members.view(-1).index_select(0, which)
    rows = torch.div(members, width, rounding_mode="floor")
    return Entries(rows, members - rows * width, values.view(-1).index_select(0, which).float())


def keep_largest_of_each_row(entries: Entries, row_count: int, k: int) -> Entries:
    """Of entries in row order, the k largest of each row (all, where a row has fewer)."""
    counts = torch.bincount(entries.rows, minlength=row_count)
    most = int(counts.max()) if row_count else 0
    if most <= k:
        return entries
    starts = counts.cumsum(0) - counts
    column = torch.arange(len(entries), device=counts.device)
    place = column + (torch.arange(row_count, device=counts.device) * most - starts).index_select(
        0, entries.rows
    )
    padded = entries.values.new_full((row_count, most), -torch.inf)
    padded.view(-1)[place] = entries.values
    smallest = sorted_rows(padded)[:, most - k]
    kept = entries.take(entries.values >= smallest.index_select(0, entries.rows))
    if len(kept) == int(counts.clamp(max=k).sum()):
        return kept
    # Entries equal to the k-th largest: of these, as many as there is room for.
    chosen = torch.zeros_like(padded, dtype=torch.bool)
    chosen.scatter_(1, padded.topk(k, dim=1, sorted=False).indices, True)
    return entries.take(chosen.view(-1)[place])


def keep_largest(entries: Entries, count: int) -> Entries:
    """The ``count`` largest entries of the batch; entries equal to the smallest kept stay too."""
    if len(entries) <= count:
        return entries
    return entries.take(entries.values >= kth_largest(entries.values, count))


def largest_of_each_row(u: Float[Tensor, "rows width"], k: int) -> Entries:
    """The positive entries among the k largest of each row, exactly."""
    maxima = group_maxima(u, group_size(u.shape[1], k))
    return keep_largest_of_each_row(entries_above(u, maxima, row_bounds(maxima, k)), len(u), k)


def largest_of_batch(u: Float[Tensor, "rows width"], count: int) -> Entries:
    """The positive entries among the ``count`` largest of the batch, exactly; ties are all kept."""
    size = group_size(u.shape[1], max(1, -(-count // max(len(u), 1))))
    maxima = group_maxima(u, size)
    entries = entries_above(u, maxima, batch_bound(maxima, count, sampled=True))
    if len(entries) < count:
        entries = entries_above(u, maxima, batch_bound(maxima, count, sampled=False))
    return keep_largest(entries, count)
