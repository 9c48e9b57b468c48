"""Cluster bootstrap over conversations or documents, never over tokens (Davison & Hinkley 1997)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def cluster_bootstrap(
    statistic: Callable[[NDArray], float],
    clusters: int,
    generator: np.random.Generator,
    *,
    resamples: int = 1000,
    confidence: float = 0.95,
) -> tuple[float, float]:
    """Percentile interval of ``statistic(indices)`` over resampled cluster indices.

    ``statistic`` gets an int array of ``clusters`` indices drawn with replacement and returns a
    number. Draws on which it is not finite (for example an AUROC without positives) are left out.
    """
    draws = np.array(
        [statistic(generator.integers(0, clusters, clusters)) for _ in range(resamples)]
    )
    return percentile_interval(draws, confidence)


def percentile_interval(draws: NDArray, confidence: float = 0.95) -> tuple[float, float]:
    """Percentile interval of ``draws``, float [draws]; values that are not finite are left out.

    Returns (−∞, ∞) where no draw is finite.
    """
    finite = draws[np.isfinite(draws)]
    if len(finite) == 0:
        return float("-inf"), float("inf")
    tail = (1 - confidence) / 2
    low, high = np.quantile(finite, [tail, 1 - tail])
    return float(low), float(high)
