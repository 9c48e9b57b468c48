"""Intervals of the share of well-separated features, and of its difference to a random dictionary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from assay.position.crossed.separation import Separation
from assay.position.share_intervals import half_width, leave_one_out_spread, share_interval
from assay.statistics.intervals import clopper_pearson

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class SeparatedShare:
    """Share of well-separated features among some, on all data and without each part of it."""

    on_all: float
    """On all data."""
    without_group: NDArray[np.float64]
    """[groups] without each group of documents."""
    without_filler: NDArray[np.float64]
    """[fillers] without one filler of each offset."""

    def __sub__(self, other: SeparatedShare) -> SeparatedShare:
        return SeparatedShare(
            self.on_all - other.on_all,
            self.without_group - other.without_group,
            self.without_filler - other.without_filler,
        )


def separated_share(separation: Separation, chosen: NDArray[np.bool_]) -> SeparatedShare | None:
    """Over the features that ``chosen`` marks and that are not too rare; None where there are none."""
    columns = chosen & separation.frequent
    if not columns.any():
        return None
    return SeparatedShare(
        float(separation.on_all[columns].mean()),
        separation.without_group[:, columns].mean(axis=1),
        separation.without_filler[:, columns].mean(axis=1),
    )


def mean_share(shares: list[SeparatedShare]) -> SeparatedShare:
    """The mean over several dictionaries, in each part of the data."""
    return SeparatedShare(
        float(np.mean([share.on_all for share in shares])),
        np.mean([share.without_group for share in shares], axis=0),
        np.mean([share.without_filler for share in shares], axis=0),
    )


def interval_of_share(
    share: SeparatedShare, documents: int, draws: NDArray[np.float64] | None = None
) -> tuple[float, float]:
    """95 % interval over documents and fillers, the labels made anew in each part.

    The jackknife variances over groups of documents and over fillers add up, which counts what both
    have in common twice: coverage .98 or more in 240 simulated designs, whose shares were .2 to .3.
    Where ``share`` is a mean over random
    dictionaries, the variance of the mean over ``draws[dictionaries]`` is added. Where leaving out
    parts changes nothing and the share is 0 or 1, the interval is that of as many documents.
    """
    half = _half_width(share, draws)
    if half == 0 and share.on_all in (0.0, 1.0):
        return clopper_pearson(round(share.on_all * documents), documents)
    low, high = share_interval(np.array(share.on_all), np.array(half))
    return max(float(low), 0.0), min(float(high), 1.0)


def interval_of_difference(
    difference: SeparatedShare, draws: NDArray[np.float64]
) -> tuple[float, float]:
    """95 % interval of the share less that of random dictionaries, ``draws[dictionaries]`` each's.

    Both were audited on the same documents and fillers, which are left out of both; the variance of
    the mean over draws is added.
    """
    half = _half_width(difference, draws)
    return max(difference.on_all - half, -1.0), min(difference.on_all + half, 1.0)


def _half_width(share: SeparatedShare, draws: NDArray[np.float64] | None) -> float:
    """From the variance of each source, the degrees of freedom after Welch (1947)."""
    sources = []
    if draws is not None and len(draws) > 1:
        sources.append((float(draws.var(ddof=1) / len(draws)), len(draws) - 1.0))
    if len(share.without_group) > 1:
        error, degrees = leave_one_out_spread(share.without_group)
        sources.append((float(error) ** 2, float(degrees)))
    if len(share.without_filler) > 1:
        error, _ = leave_one_out_spread(share.without_filler)
        sources.append((float(error) ** 2, len(share.without_filler) - 1.0))
    if len(share.without_group) < 2:
        return float("inf")
    variance = sum(part for part, _ in sources)
    if variance == 0:
        return 0.0
    welch = variance**2 / sum(part**2 / own for part, own in sources)
    return float(half_width(variance**0.5, welch))
