"""Exact selection of the largest pre-activations, faster than a sort of the whole matrix.

The features are cut into interleaved groups and only the maximum of each group is looked at: the
k-th largest group maximum of a row is a lower bound of the row's k-th largest entry, because k
groups hold an entry at least as large. Entries at or above the bound are few, lie in few groups,
and are then ranked exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from assay.dictionaries.entries import Entries

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

GROUP_SIZES = (16, 8, 4, 2)
"""Features a group, largest first; the first that divides the width and leaves enough groups."""
GROUPS_PER_KEPT = 4
"""Groups wanted for each entry kept, so that few groups hold two of them."""
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


def group_maxima(u: Float[Tensor, "rows width"], size: int) -> Float[Tensor, "rows groups"]:
    """float32 maximum of each group; group g holds the features g, g + groups, g + 2·groups …"""
    groups = u.shape[1] // size
    return u.view(len(u), size, groups).amax(1).float() if size > 1 else u.float()


def row_bounds(maxima: Float[Tensor, "rows groups"], count: int) -> Float[Tensor, " rows"]:
    """The count-th largest maximum of each row, at least SMALLEST."""
    place = maxima.shape[1] - count
    if maxima.device.type == "cpu":
        ordered = torch.from_numpy(np.sort(maxima.numpy(), axis=1))[:, place]
    else:
        ordered = maxima.sort(dim=1).values[:, place]
    return ordered.clamp(min=SMALLEST)


def kth_largest(values: Float[Tensor, " count"], k: int) -> float:
    """The k-th largest of a flat list."""
    if values.device.type == "cpu":
        return float(np.partition(values.numpy(), len(values) - k)[len(values) - k])
    return float(values.kthvalue(len(values) - k + 1).values)


def batch_bound(maxima: Float[Tensor, "rows groups"], count: int, *, sampled: bool) -> float:
    """A threshold that about ``count`` group maxima of the batch reach, at least SMALLEST.

    Unsampled it is the count-th largest maximum, so that at least ``count`` entries reach it.
    Sampled it is guessed from one row in SAMPLED_ROWS.
    """
    if sampled:
        maxima, count = maxima[::SAMPLED_ROWS], -(-count // SAMPLED_ROWS)
    flat = maxima.flatten()
    return max(kth_largest(flat, min(count, len(flat))), SMALLEST)


def entries_above(
    u: Float[Tensor, "rows width"],
    maxima: Float[Tensor, "rows groups"],
    bounds: Float[Tensor, " rows"] | float,
) -> Entries:
    """All entries that reach their row's bound (or the one bound); values as float32."""
    width, groups = u.shape[1], maxima.shape[1]
    column = bounds.unsqueeze(1) if isinstance(bounds, torch.Tensor) else bounds
    places = (maxima >= column).flatten().nonzero().flatten()
    rows = torch.div(places, groups, rounding_mode="floor")
    if groups == width:
        return Entries(rows, places - rows * width, maxima.flatten()[places])
    # Group g of row r begins at r·width + g; its members lie `groups` apart.
    steps = torch.arange(width // groups, device=u.device) * groups
    members = (rows * (width - groups) + places).unsqueeze(1) + steps
    values = u.flatten()[members].float()
    reached = values >= (bounds[rows].unsqueeze(1) if isinstance(bounds, torch.Tensor) else bounds)
    kept = reached.flatten().nonzero().flatten()
    flat = members.flatten()[kept]
    rows = torch.div(flat, width, rounding_mode="floor")
    return Entries(rows, flat - rows * width, values.flatten()[kept])


def keep_largest_of_each_row(entries: Entries, row_count: int, k: int) -> Entries:
    """Of entries in row order, the k largest of each row (all, where a row has fewer)."""
    counts = torch.bincount(entries.rows, minlength=row_count)
    most = int(counts.max()) if row_count else 0
    if most <= k:
        return entries
    starts = counts.cumsum(0) - counts
    column = torch.arange(len(entries), device=counts.device) - starts[entries.rows]
    place = entries.rows * most + column
    padded = entries.values.new_full((row_count, most), -torch.inf)
    padded.view(-1)[place] = entries.values
    features = torch.zeros(row_count, most, dtype=torch.int64, device=counts.device)
    features.view(-1)[place] = entries.features
    values, columns = padded.topk(k, dim=1, sorted=False)
    real = values > -torch.inf
    rows = torch.arange(row_count, device=counts.device).unsqueeze(1).expand(-1, k)
    return Entries(rows[real], features.gather(1, columns)[real], values[real])


def keep_largest(entries: Entries, count: int) -> Entries:
    """The ``count`` largest entries of the batch; entries equal to the smallest kept stay too."""
    if len(entries) <= count:
        return entries
    return entries.take(entries.values >= kth_largest(entries.values, count))


def largest_of_each_row(u: Float[Tensor, "rows width"], k: int) -> Entries:
    """The positive ones among the k largest of each row, exactly."""
    maxima = group_maxima(u, group_size(u.shape[1], k))
    return keep_largest_of_each_row(entries_above(u, maxima, row_bounds(maxima, k)), len(u), k)


def largest_of_batch(u: Float[Tensor, "rows width"], count: int) -> Entries:
    """The positive ones among the ``count`` largest of the whole batch, exactly (ties all kept)."""
    size = group_size(u.shape[1], max(1, -(-count // max(len(u), 1))))
    maxima = group_maxima(u, size)
    entries = entries_above(u, maxima, batch_bound(maxima, count, sampled=True))
    if len(entries) < count:
        entries = entries_above(u, maxima, batch_bound(maxima, count, sampled=False))
    return keep_largest(entries, count)
