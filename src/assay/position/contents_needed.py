"""How many contents the crossed design would need before undetermined features get a label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from assay.position.crossed.shares import CrossedShares
from assay.position.labels import SMALL
from assay.position.share_intervals import log_odds

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST = 1e6
"""A number of contents above which the answer is that no number would do."""


def contents_needed(shares: CrossedShares, contents: int) -> NDArray[np.float64]:
    """[features] contents at which an interval would be short enough for some label.

    On the log-odds scale of ``share_intervals`` a half-width falls with the square root of the
    number of contents, while the estimate is taken to stay. Of ``content``, ``position`` and
    ``semi-local`` the label that needs the fewest counts. Infinite where an estimate lies on a
    limit or the interval is unknown; at most ``contents`` where the feature has a label already.
    """
    factors = np.stack(
        [
            _factor(shares.t_pos, shares.t_pos_high, SMALL),
            _factor(shares.s_pos, shares.s_pos_low, 1 - SMALL),
            _factor(shares.s_int, shares.s_int_low, SMALL),
        ]
    )
    needed = contents * factors.min(axis=0)
    return np.where(needed <= LARGEST, needed, np.inf)


def _factor(
    estimate: NDArray[np.float64], end: NDArray[np.float64], limit: float
) -> NDArray[np.float64]:
    """By what the contents must be multiplied before ``end`` lies on the estimate's side of a limit."""
    distance = log_odds(limit) - log_odds(np.clip(estimate, -0.01, 1.01))
    half = log_odds(end) - log_odds(np.clip(estimate, -0.01, 1.01))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = half / distance
    # An end on the wrong side of its own estimate's limit never gets there.
    return np.where(np.isfinite(ratio) & (ratio >= 0), np.square(ratio), np.inf)
