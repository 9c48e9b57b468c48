"""The attention sink: detected, recorded, and left out by default.

A few tokens (position 0, now and then another) carry massive activations whose norm is hundreds of
times the median (Xiao et al. 2024, "Efficient streaming language models with attention sinks";
Sun et al. 2024, "Massive activations in large language models"). Any loss or audit that lets them
in measures them and little else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from assay.statistics import jackknife_interval

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int
    from torch import Tensor

MASSIVE_RATIO = 10.0
"""A token is massive when its norm exceeds this many times the median."""
EARLY_POSITIONS = 8
"""Positions 0–7 still feel the sink; the third level of every position figure leaves them out."""


def median_norm(activations: Float[Tensor, "*rows width"]) -> float:
    """Median Euclidean norm of rows, the scale against which a token is massive."""
    return float(activations.float().norm(dim=-1).median())


def left_out(
    activations: Float[Tensor, "*rows width"], positions: Int[Tensor, "*rows"], median: float
) -> Bool[Tensor, "*rows"]:
    """True for position 0 and for every other token whose norm exceeds MASSIVE_RATIO × median."""
    norms = activations.float().norm(dim=-1)
    return (positions == 0) | (norms > MASSIVE_RATIO * median)


@dataclass(frozen=True)
class ResidualVariance:
    """Where the variance of the raw activations lies, with intervals over documents."""

    sink_share: tuple[float, float, float]
    """Share of Σ‖x − x̄‖² that goes away with the left-out tokens: estimate, low, high."""
    epsilon2: dict[str, tuple[float, float, float]]
    """ε² of position for the levels all, no_sink, no_first_8: estimate, low, high."""
    left_out_rate: float
    """Share of tokens left out."""
    massive_rate: float
    """Share of tokens beyond position 0 that are massive."""
    documents: int
    """Distinct documents."""
    rows: int
    """Crops."""


class ResidualSums:
    """One streaming pass over [batch, position, width] activations, sums kept by document group.

    Memory: groups × positions × width doubles, whatever the number of tokens.
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
        """Add a batch; ``groups`` says to which group each crop's document was dealt."""
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
        """Estimates with delete-a-group jackknife intervals."""
        groups = len(self.count)
        every = [torch.ones(groups, dtype=torch.bool)]
        for left in range(groups):
            mask = torch.ones(groups, dtype=torch.bool)
            mask[left] = False
            every.append(mask)
        shares = np.array([self._sink_share(mask) for mask in every])
        epsilon2 = {
            level: np.array([self._epsilon2(mask, level) for mask in every])
            for level in ("all", "no_sink", "no_first_8")
        }
        tokens = float(self.count.sum() + self.out_count.sum())
        return ResidualVariance(
            sink_share=_with_interval(shares),
            epsilon2={level: _with_interval(values) for level, values in epsilon2.items()},
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
        everything = kept_squares + self.out_squares[groups].sum() - total @ total / count
        return float(1 - kept / everything)

    def _epsilon2(self, groups: Bool[Tensor, " groups"], level: str) -> float:
        """ε² = 1 − (1 − η²)(N − 1)/(N − T), the variance summed over all dimensions."""
        total, squares, count = (
            part[groups].sum(0) for part in (self.total, self.squares, self.count)
        )
        if level == "all":
            total = total + self.out_total[groups].sum(0)
            squares = squares + self.out_squares[groups].sum(0)
            count = count + self.out_count[groups].sum(0)
        first = {"all": 0, "no_sink": 1, "no_first_8": EARLY_POSITIONS}[level]
        total, squares, count = total[first:], squares[first:], count[first:]
        total, squares, count = total[count > 0], squares[count > 0], count[count > 0]
        n, t = float(count.sum()), len(count)
        mean = total.sum(0) / n
        between = float((total.square().sum(-1) / count).sum() - n * mean @ mean)
        everything = float(squares.sum() - n * mean @ mean)
        if everything <= 0 or n <= t:
            return float("nan")
        return 1 - (1 - between / everything) * (n - 1) / (n - t)


def _with_interval(values: np.ndarray) -> tuple[float, float, float]:
    low, high = jackknife_interval(values[1:], values[0])
    return float(values[0]), float(low), float(high)
