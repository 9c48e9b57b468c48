"""Rank features by how well they separate misbehaving from matched benign conversations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from assay.randomness import numpy_generator
from assay.statistics.permutation_contrasts import max_t
from assay.statistics.roc import auroc_columns

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int
    from numpy.typing import NDArray

FEWEST_FIRING = 4
"""Fewest conversations in which a feature must fire to be ranked."""
PERMUTATIONS = 1000
"""Permutations of the labels."""
SMALLEST_P = 1 / (1 + PERMUTATIONS)
"""The smallest p that so many permutations can give."""


@dataclass(frozen=True)
class Ranked:
    """A ranked feature with its contrast, AUROC and p."""

    feature: int
    """Its index in the dictionary."""
    contrast: float
    """Welch's t of its largest activation, misbehaving against benign conversations."""
    auroc: float
    """AUROC of its largest activation on the same conversations; optimistic, because it was selected
    on them."""
    p: float
    """Family-wise p-value by max-T permutation over all features."""


def contrast_order(
    codes: Float[NDArray, "conversations features"],
    labels: Bool[NDArray, " conversations"],
    absolute: bool = False,
) -> Int[NDArray, " features"]:
    """Features from the largest contrast to the smallest; features that hardly fire have contrast 0.

    ``absolute`` orders by absolute contrast.
    """
    x = codes.astype(np.float64)
    positive, negative = x[labels], x[~labels]
    variance = positive.var(axis=0) / len(positive) + negative.var(axis=0) / len(negative)
    scale = np.sqrt(variance)
    floor = 0.05 * np.median(scale[scale > 0]) if (scale > 0).any() else 1.0
    contrast = (positive.mean(axis=0) - negative.mean(axis=0)) / np.maximum(scale, floor)
    contrast[(x > 0).sum(axis=0) < FEWEST_FIRING] = 0.0
    return np.argsort(-np.abs(contrast) if absolute else -contrast, kind="stable")


def rank_features(
    codes: Float[NDArray, "conversations features"],
    labels: Bool[NDArray, " conversations"],
    templates: NDArray,
    seed: int,
    *,
    most: int = 10,
    permutations: int = PERMUTATIONS,
) -> list[Ranked]:
    """The ``most`` features with the largest contrasts, with max-T p-values over all that fire.

    ``templates[conversations]`` are the blocks of the permutations.
    """
    alive = np.flatnonzero((codes > 0).sum(axis=0) >= FEWEST_FIRING)
    if len(alive) == 0:
        return []
    generator = numpy_generator(seed, "concerns/max_t")
    found = max_t(codes[:, alive], labels, generator, blocks=templates, permutations=permutations)
    best = np.argsort(-found.contrast, kind="stable")[:most]
    areas = auroc_columns(codes[labels][:, alive[best]], codes[~labels][:, alive[best]])
    return [
        Ranked(int(alive[i]), float(found.contrast[i]), float(area), float(found.p[i]))
        for i, area in zip(best, areas, strict=True)
    ]
