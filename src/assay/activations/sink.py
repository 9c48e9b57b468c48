"""The attention sink: which tokens are left out by default, and how much variance they hold.

A few tokens (position 0, sometimes another) have massive activations, with a norm hundreds of times
the median (Xiao et al. 2024, "Efficient streaming language models with attention sinks"; Sun et al.
2024, "Massive activations in large language models"). They dominate any loss or audit that includes
them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from assay.activations.residual_variance import Estimate, PositionShares, ResidualVariance
from assay.errors import AssayError
from assay.statistics import jackknife_interval

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

MASSIVE_RATIO = 10.0
"""A token is massive when its norm exceeds this many times the median."""
EARLY_POSITIONS = 8
"""Positions 0–7 are still affected by the sink; the third level of every position figure leaves
them out."""
FIRST_POSITION = {"all": 0, "no_sink": 1, "no_first_8": EARLY_POSITIONS}
"""First position that each level of a position figure includes."""


def median_norm(activations: Float[Tensor, "*rows width"]) -> float:
    """Median Euclidean norm of the rows; a token is massive relative to it."""
    return float(activations.float().norm(dim=-1).median())


def left_out(
    activations: Float[Tensor, "*rows width"], positions: Int[Tensor, "*rows"], median: float
) -> Bool[Tensor, "*rows"]:
    """True for position 0 and for every token whose norm exceeds MASSIVE_RATIO × ``median``.

    The mask is on the device of the activations.
    """
    norms = activations.float().norm(dim=-1)
    return (positions.to(norms.device) == 0) | (norms > MASSIVE_RATIO * median)


class ResidualSums:
    """Streaming sums of activations [batch, position, width], for each group of documents.

    Memory is groups × positions × width doubles, independent of the number of tokens.
    """

    def __init__(self, groups: int, length: int, width: int) -> None:
        self.total = torch.zeros(groups, length, width, dtype=torch.float64)
        self.squares = torch.zeros(groups, length, dtype=torch.float64)
        self.count = torch.zeros(groups, length, dtype=torch.float64)
        self.out_total = torch.zeros(groups, length, width, dtype=torch.float64)
        self.out_squares = torch.zeros(groups, length, dtype=torch.float64)
        self.out_count = torch.zeros(groups, length, dtype=torch.float64)

    def add(
        self,
        activations: Float[Tensor, "batch position width"],
        groups: Int[Tensor, " batch"],
        out: Bool[Tensor, "batch position"],
    ) -> None:
        """Add a batch, on the CPU.

        ``groups`` is the group of each crop's document, ``out`` the mask of left-out tokens.
        """
        x = activations.double()
        squares = x.square().sum(-1)
        kept = (~out).double()
        self.total.index_add_(0, groups, x * kept[..., None])
        self.squares.index_add_(0, groups, squares * kept)
        self.count.index_add_(0, groups, kept)
        self.out_total.index_add_(0, groups, x * (1 - kept[..., None]))
        self.out_squares.index_add_(0, groups, squares * (1 - kept))
        self.out_count.index_add_(0, groups, 1 - kept)

    def finish(self, documents: int, rows: int) -> ResidualVariance:
        """The estimates with delete-a-group jackknife intervals.

        ``documents`` and ``rows`` are the numbers of documents and crops. Raises AssayError where the
        activations do not vary.
        """
        groups = len(self.count)
        masks = [torch.ones(groups, dtype=torch.bool)]
        for left in range(groups):
            mask = torch.ones(groups, dtype=torch.bool)
            mask[left] = False
            masks.append(mask)
        sink_share = _with_interval([self._sink_share(mask) for mask in masks])
        if sink_share is None:
            raise AssayError("all activations are equal, so there is no variance to explain")
        epsilon2 = {
            level: _with_interval([self._epsilon2(mask, level) for mask in masks])
            for level in FIRST_POSITION
        }
        tokens = float(self.count.sum() + self.out_count.sum())
        return ResidualVariance(
            sink_share=sink_share,
            epsilon2=PositionShares(**epsilon2),
            left_out_rate=float(self.out_count.sum()) / tokens,
            massive_rate=float(self.out_count[:, 1:].sum()) / tokens,
            documents=documents,
            rows=rows,
        )

    def _sink_share(self, groups: Bool[Tensor, " groups"]) -> float:
        kept_total, kept_count = self.total[groups].sum((0, 1)), self.count[groups].sum()
        kept_squares = self.squares[groups].sum()
        kept = kept_squares - kept_total @ kept_total / kept_count
        total = kept_total + self.out_total[groups].sum((0, 1))
        count = kept_count + self.out_count[groups].sum()
        all_squares = kept_squares + self.out_squares[groups].sum() - total @ total / count
        return float(1 - kept / all_squares)

    def _epsilon2(self, groups: Bool[Tensor, " groups"], level: str) -> float:
        """ε² = 1 − (1 − η²)(N − 1)/(N − T), the variance summed over all dimensions."""
        total, squares, count = (
            part[groups].sum(0) for part in (self.total, self.squares, self.count)
        )
        if level == "all":
            total = total + self.out_total[groups].sum(0)
            squares = squares + self.out_squares[groups].sum(0)
            count = count + self.out_count[groups].sum(0)
        first = FIRST_POSITION[level]
        total, squares, count = total[first:], squares[first:], count[first:]
        total, squares, count = total[count > 0], squares[count > 0], count[count > 0]
        n, t = float(count.sum()), len(count)
        mean = total.sum(0) / n
        between = float((total.square().sum(-1) / count).sum() - n * mean @ mean)
        all_squares = float(squares.sum() - n * mean @ mean)
        if all_squares <= 0 or n <= t:
            return float("nan")
        return 1 - (1 - between / all_squares) * (n - 1) / (n - t)


def _with_interval(values: list[float]) -> Estimate | None:
    """The estimate on all groups (values[0]), with an interval from those without each group."""
    estimate, *replicates = np.array(values)
    low, high = jackknife_interval(np.array(replicates), estimate)
    return Estimate.of(float(estimate), float(low), float(high))
