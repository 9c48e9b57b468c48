"""How much of a feature's variance its position explains: η², ε² and the split-half η².

η² is the correlation ratio (Fisher 1925), ε² its correction for chance (Kelley 1935). The
split-half figure averages, over all ways to split the documents in two halves, the product of the
halves' position means; it stays unbiased when the tokens of a document correlate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from assay.position.observational.document_pairs import DocumentPairs
from assay.position.observational.split_half import has_variance, split_half_variance
from assay.position.observational.streaming_sums import PositionSums
from assay.position.result import Level
from assay.position.share_intervals import linear_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class LevelVariance:
    """Variance explained by position at one level; arrays are [features].

    NaN for features that never vary; 0 for those that vary, but not among this level's tokens.
    """

    eta2: NDArray[np.float64]
    """η² = SS_pos / SS_tot: biased upwards by chance."""
    eta2_null: NDArray[np.float64]
    """(T − 1)/(N − 1), what η² is on average when position explains nothing."""
    eta2_split_half: NDArray[np.float64]
    """The default figure: unbiased, also below zero, never clipped."""
    ci: NDArray[np.float64]
    """[features, 2] 95 % interval of ``eta2_split_half``, jackknife over groups of documents."""
    epsilon2: NDArray[np.float64]
    """ε² = 1 − (1 − η²)(N − 1)/(N − T); over-corrects when tokens of a document correlate."""
    positions: int
    """T, positions at this level."""
    tokens: int
    """N, tokens at this level."""


def level_variance(sums: PositionSums, level: Level) -> LevelVariance:
    """Estimates and interval of one level from the streaming sums."""
    varies = varying(sums, "all")
    still = varies & ~varying(sums, level)
    total, count = sums.totals.of_level(level)
    pairs = sums.pairs[level]
    every = np.ones(sums.groups, dtype=bool)
    all_total, all_count = total.sum(axis=0), count.sum(axis=0)
    eta2, split_half = _ratios(all_total, all_count, pairs.of_groups(every))
    without = np.full((sums.groups, sums.width), np.nan)
    for group in range(sums.groups if sums.groups > 1 else 0):
        others = every.copy()
        others[group] = False
        rest = pairs.of_groups(others)
        without[group] = _ratios(all_total - total[group], all_count - count[group], rest)[1]
    low, high = linear_interval(without, split_half)
    if level != "all" and all_count.sum() > 0:
        for figure in (eta2, split_half, low, high):
            figure[still] = 0.0
    tokens, positions = float(all_count.sum()), int((all_count > 0).sum())
    null = (positions - 1) / (tokens - 1) if tokens > 1 else np.nan
    spread = (tokens - 1) / (tokens - positions) if tokens > positions else np.nan
    return LevelVariance(
        eta2=eta2,
        eta2_null=np.full(sums.width, null),
        eta2_split_half=split_half,
        ci=np.stack([low, high], axis=1),
        epsilon2=1 - (1 - eta2) * spread,
        positions=positions,
        tokens=int(tokens),
    )


def _ratios(
    total: NDArray[np.float64], count: NDArray[np.float64], pairs: DocumentPairs
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(η², split-half η²) of ``total[positions, features]`` over ``count[positions]`` tokens."""
    tokens = count.sum()
    if tokens == 0:
        nothing = np.full(total.shape[1], np.nan)
        return nothing, nothing.copy()
    mean = total.sum(axis=0) / tokens
    all_squares = pairs.squares - tokens * mean**2
    all_squares = np.where(has_variance(all_squares, pairs.squares), all_squares, np.nan)
    difference = total - count[:, None] * mean
    squared = np.square(difference, out=difference)
    eta2 = (1 / np.maximum(count, 1)) @ squared / all_squares
    return eta2, split_half_variance(squared.sum(axis=0), count, mean, pairs) / (
        all_squares / tokens
    )


def varying(sums: PositionSums, level: Level) -> NDArray[np.bool_]:
    """Whether each feature varies over the tokens of a level."""
    total, count = sums.totals.of_level(level)
    tokens = count.sum()
    if tokens == 0:
        return np.zeros(sums.width, dtype=bool)
    squares = sums.pairs[level].squares.sum(0).numpy()
    return has_variance(squares - total.sum(axis=(0, 1)) ** 2 / tokens, squares)
