"""Permutation p-values from circular shifts of each document, pooled over features of like density.

A circular shift keeps each document's own correlation from token to token and breaks its tie to
the position; shuffling tokens within a document would not keep it, and rejects far too often.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from assay.position.observational.nonzero_activations import Entries
from assay.randomness import numpy_generator

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int
    from numpy.typing import NDArray
    from torch import Tensor

POOL_PER_FEATURE = 20
"""A pool of 20 null values for each feature tested: 1/20 = .05, so that the smallest p, times the
number of features, is .05 and survives Benjamini-Hochberg even when no other feature's p is small."""
FEATURES_PER_STRATUM = 50
"""Fewer features than twice this share one pool."""
ENTRIES_AT_ONCE = 1 << 20
"""Entries that are shifted at a time, of 28 bytes each."""
TIE = 1e-3
"""Scores that differ by less are ties, and a tie counts against the feature: replicates are summed
in float32, and rare features have few distinct values."""


class ShiftSums:
    """Σz by position and feature after each of P random shifts of every document.

    All rows of a document are shifted by the same number of positions. A document's
    shifts depend on its id and the seed alone, never on how the pass was cut into batches.
    """

    def __init__(
        self, length: int, first: int, *, width: int, permutations: int, seed: int
    ) -> None:
        """``length`` positions of the level, which begins at position ``first``."""
        self.length, self.first, self.width = length, first, width
        self.permutations, self.seed = (permutations if length else 0), seed
        self.total = torch.zeros(self.permutations, length, width)
        self.count = torch.zeros(self.permutations, length, dtype=torch.float64)
        self.active_documents = torch.zeros(width, dtype=torch.int64)
        self._waiting: list[_Batch] = []

    def add(
        self,
        entries: Entries,
        used: Bool[Tensor, "rows all_positions"],
        document_of_row: Int[Tensor, " rows"],
        document_ids: NDArray,
    ) -> None:
        """Add the level's entries of whole documents; ``used`` marks the level's tokens."""
        if self.permutations == 0:
            return
        active = torch.zeros(len(document_ids), self.width, dtype=torch.bool)
        active[entries.documents, entries.features] = True
        self.active_documents += active.sum(0)
        rows, positions = torch.nonzero(used[:, self.first :], as_tuple=True)
        position = entries.positions - self.first
        self._waiting.append(
            _Batch(
                shifts=torch.stack([self.shifts_of(name) for name in document_ids.tolist()]),
                tokens=entries.documents * self.length + position,
                places=position * self.width + entries.features,
                values=entries.values.float(),
                used=document_of_row[rows] * self.length + positions,
            )
        )
        if sum(len(batch.values) for batch in self._waiting) >= ENTRIES_AT_ONCE:
            self._shift_waiting()

    def _shift_waiting(self) -> None:
        """Add what waits to every replicate: one replicate at a time stays in the cache."""
        if not self._waiting:
            return
        waiting = _Batch.joined(self._waiting, self.length)
        self._waiting = []
        ones = torch.ones(len(waiting.used), dtype=torch.float64)
        here = torch.arange(self.length)
        for replicate in range(self.permutations):
            moved = (here + waiting.shifts[:, replicate, None]) % self.length
            step = ((moved - here) * self.width).flatten()
            place = step.index_select(0, waiting.tokens).add_(waiting.places)
            self.total[replicate].view(-1).scatter_add_(0, place, waiting.values)
            self.count[replicate].scatter_add_(0, moved.flatten()[waiting.used], ones)

    def shifts_of(self, document: object) -> Int[Tensor, " permutations"]:
        """By how many positions each replicate shifts a document."""
        generator = numpy_generator(self.seed, f"position/circular shift/{document}")
        return torch.from_numpy(generator.integers(0, self.length, self.permutations))

    def statistics(self, mean: NDArray[np.float64]) -> NDArray[np.float64]:
        """Σ_t (S_t − n_t·mean)² of each replicate: [permutations, features]."""
        self._shift_waiting()
        rows = [
            position_sum_of_squares(total.double().numpy(), count.numpy(), mean)
            for total, count in zip(self.total, self.count, strict=True)
        ]
        return np.stack(rows) if rows else np.zeros((0, self.width))


@dataclass(frozen=True)
class _Batch:
    """Entries of whole documents that wait to be shifted."""

    shifts: Int[Tensor, "documents permutations"]
    """int64 shift of each document in each replicate."""
    tokens: Int[Tensor, " nnz"]
    """int64 document · length + position of each entry."""
    places: Int[Tensor, " nnz"]
    """int64 position · width + feature of each entry, before any shift."""
    values: Float[Tensor, " nnz"]
    """float32 activation."""
    used: Int[Tensor, " used_tokens"]
    """int64 document · length + position of each token that counts."""

    @classmethod
    def joined(cls, batches: list[_Batch], length: int) -> _Batch:
        """One batch, its documents numbered on."""
        sizes = torch.tensor([0, *(len(batch.shifts) for batch in batches[:-1])])
        first = (sizes.cumsum(0) * length).tolist()
        return cls(
            shifts=torch.cat([batch.shifts for batch in batches]),
            tokens=torch.cat([b.tokens + at for b, at in zip(batches, first, strict=True)]),
            places=torch.cat([batch.places for batch in batches]),
            values=torch.cat([batch.values for batch in batches]),
            used=torch.cat([b.used + at for b, at in zip(batches, first, strict=True)]),
        )


def position_sum_of_squares(
    total: NDArray[np.float64], count: NDArray[np.float64], mean: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Σ_t (S_t − n_t·mean)² for ``total[positions, features]`` and ``count[positions]``.

    On complete crops every estimator of variance explained is an increasing function of it.
    """
    difference = total - count[:, None] * mean
    return np.einsum("tf,tf->f", difference, difference)


def pooled_p_values(
    observed: NDArray[np.float64],
    shifted: NDArray[np.float64],
    density: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Permutation p of each feature against the pooled shifts of features of like density.

    ``observed[features]``, ``shifted[permutations, features]``: the statistic on the data and on
    its shifts. ``density[features]``: in how many documents the feature is not zero. Every statistic is
    first put on one scale: the upper tail probability of a gamma variable with the mean and
    variance of the feature's own shifts (Satterthwaite 1946; for a shift itself, of the other
    shifts). Then features are sorted by density and cut into strata as small as
    POOL_PER_FEATURE allows, and p = (1 + #{pooled null ≥ observed}) / (1 + pool), as Storey &
    Tibshirani 2003 pool over genes. The smallest p possible is thus about 1/(20·features).
    NaN where a feature cannot be tested: it does not vary (``observed`` is NaN), it is active in
    fewer than two documents, or no shift was drawn.
    """
    p = np.full(observed.shape, np.nan)
    tested = np.flatnonzero((density >= 2) & np.isfinite(observed))
    if len(tested) == 0 or len(shifted) < 3:
        return p
    scores, null = _scores(observed[tested], shifted[:, tested])
    order = np.argsort(density[tested], kind="stable")
    strata = min(len(shifted) // POOL_PER_FEATURE, len(order) // FEATURES_PER_STRATUM)
    for stratum in np.array_split(order, max(strata, 1)):
        pool = np.sort(null[:, stratum].ravel())
        at_least = len(pool) - np.searchsorted(pool, scores[stratum] - TIE, side="left")
        p[tested[stratum]] = (1 + at_least) / (1 + len(pool))
    return p


def _scores(
    observed: NDArray[np.float64], shifted: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """−log of the gamma upper tail, for the data [features] and each shift [shifts, features]."""
    count = len(shifted)
    total, squares = shifted.sum(0), np.square(shifted - shifted.mean(0)).sum(0)
    mean = total / count
    others_mean = (total - shifted) / (count - 1)
    # Leaving one value out of a sum of squared deviations (Welford 1962).
    others = squares - np.square(shifted - mean) * count / (count - 1)
    return (
        _gamma_score(observed, mean, squares / (count - 1)),
        _gamma_score(shifted, others_mean, others / (count - 2)),
    )


def _gamma_score(value: NDArray, mean: NDArray, variance: NDArray) -> NDArray[np.float64]:
    from scipy.special import gammaincc

    # Shifts that all agree up to rounding have no variance of their own.
    variance = np.maximum(variance, np.square(mean * 1e-3) + np.finfo(float).tiny)
    shape = np.square(mean) / variance
    tail = gammaincc(shape, np.maximum(value, 0.0) * mean / variance)
    return np.asarray(-np.log(np.maximum(tail, 1e-300)))
