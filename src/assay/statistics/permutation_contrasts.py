"""Max-T permutation test: which of many features differ between two groups of conversations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from numpy.typing import NDArray


BATCH = 50
"""Permutations whose contrasts are computed in one product."""


@dataclass(frozen=True)
class MaxT:
    """Standardised contrasts of features and their family-wise p-values."""

    contrast: Float[NDArray, " features"]
    """Welch's t of positives against negatives; 0 where a feature does not vary."""
    p: Float[NDArray, " features"]
    """(1 + number of permutations whose largest contrast reaches it) / (permutations + 1)."""


def max_t(
    values: Float[NDArray, "conversations features"],
    positive: Bool[NDArray, " conversations"],
    generator: np.random.Generator,
    *,
    blocks: NDArray | None = None,
    permutations: int = 200,
) -> MaxT:
    """One-sided contrasts with family-wise error control over features (Westfall & Young 1993).

    Without ``blocks`` the labels are permuted over all conversations. With ``blocks`` (the template
    of each conversation), because conversations of one template are not exchangeable with others:
    blocks in which all labels are equal exchange their labels with one another; blocks with both
    labels are permuted within the block.
    """
    x = np.asarray(values, np.float64)
    labels = np.asarray(positive, bool)
    square = x**2
    contrast = _contrasts(x, square, labels[None])[0]
    exchange = _Exchange(labels, blocks)
    largest = np.zeros(permutations)
    for start in range(0, permutations, BATCH):
        batch = [exchange.draw(generator) for _ in range(min(BATCH, permutations - start))]
        found = _contrasts(x, square, np.array(batch))
        largest[start : start + len(batch)] = found.max(axis=1, initial=0.0)
    reached = (largest[None] >= contrast[:, None]).sum(axis=1)
    return MaxT(contrast, (1 + reached) / (permutations + 1))


def permuted(labels: NDArray, blocks: NDArray | None, generator: np.random.Generator) -> NDArray:
    """Permuted labels: over conversations, or by block as in ``max_t``."""
    return _Exchange(labels, blocks).draw(generator)


class _Exchange:
    """Which labels may change places; found once for all permutations."""

    def __init__(self, labels: NDArray, blocks: NDArray | None) -> None:
        self.labels = labels
        self.blocks = blocks is not None
        members = []
        if blocks is not None:
            _, inverse = np.unique(blocks, return_inverse=True)
            members = [np.flatnonzero(inverse == block) for block in range(inverse.max() + 1)]
        pure = [rows for rows in members if len(np.unique(labels[rows])) == 1]
        self.mixed = [rows for rows in members if len(np.unique(labels[rows])) > 1]
        self.of_pure = np.array([labels[rows[0]] for rows in pure])
        self.sizes = np.array([len(rows) for rows in pure], dtype=np.int64)
        self.rows = np.concatenate(pure) if pure else np.zeros(0, dtype=np.int64)

    def draw(self, generator: np.random.Generator) -> NDArray:
        if not self.blocks:
            return generator.permutation(self.labels)
        dealt = self.labels.copy()
        dealt[self.rows] = np.repeat(generator.permutation(self.of_pure), self.sizes)
        for rows in self.mixed:
            dealt[rows] = generator.permutation(self.labels[rows])
        return dealt


def _contrasts(x: NDArray, square: NDArray, labels: NDArray) -> NDArray:
    """Welch's t of every feature for each row of labels, [rows, features], from two matrix products."""
    weights = labels.astype(np.float64)
    n = labels.sum(axis=1, keepdims=True).astype(np.float64)
    k = labels.shape[1] - n
    enough = np.minimum(n, k) >= 2
    n, k = np.where(enough, n, 2.0), np.where(enough, k, 2.0)
    sums, squares = weights @ x, weights @ square
    mean = sums / n
    other = (x.sum(axis=0) - sums) / k
    variance = np.maximum(squares / n - mean**2, 0) / (n - 1)
    variance += np.maximum((square.sum(axis=0) - squares) / k - other**2, 0) / (k - 1)
    scale = np.sqrt(variance)
    floor = 1e-3 * scale.max(axis=1, keepdims=True, initial=0.0)
    safe = np.where((scale > floor) & enough, scale, np.inf)
    return np.asarray((mean - other) / safe)
