"""The handful rule: roll back when more than h conversations have fired (mitigation M1.1).

The number of benign firings in N conversations at rate φ is modelled as Poisson with mean Nφ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from assay.statistics.firing_streams import firing_times

if TYPE_CHECKING:
    from jaxtyping import Int
    from numpy.typing import NDArray


def false_rollback_probability(handful: int, expected: float) -> float:
    """P(Poisson(expected) > handful): the probability that a benign deployment is rolled back.

    ``expected`` is Nφ, the number of conversations times the rate at which benign ones fire.
    """
    from scipy.special import gammainc

    _check(handful)
    return float(gammainc(handful + 1, expected))


def largest_expected_firings(handful: int, delta: float) -> float:
    """The largest Nφ at which a benign deployment is rolled back with probability ≤ delta."""
    from scipy.special import gammaincinv

    _check(handful)
    return float(gammaincinv(handful + 1, delta))


def conversations_covered(handful: int, rate: float, delta: float) -> int:
    """The longest horizon N at which the probability of a false rollback is ≤ delta at ``rate``.

    >>> conversations_covered(handful=3, rate=0.01, delta=0.01)
    82
    """
    return int(largest_expected_firings(handful, delta) / rate)


def shift_power(handful: int, delta: float, factor: float = 10.0) -> float:
    """Probability of rolling back when firings become ``factor`` times as frequent.

    It is computed at the largest Nφ that the rule allows at ``delta``, the rule's best case.
    """
    return false_rollback_probability(handful, factor * largest_expected_firings(handful, delta))


def missed_before_rollback(firings_needed: int, tpr: float) -> float:
    """Expected number of defections missed before ``firings_needed`` fire: needed × (1 − τ)/τ.

    ``tpr`` is τ, the probability that a defecting conversation fires; the number of misses before
    the last firing is negative binomial. The handful rule needs h + 1 firings.
    Raises ValueError for a ``tpr`` outside (0, 1].
    """
    if not 0 < tpr <= 1:
        raise ValueError(f"the true-positive rate must lie in (0, 1], not {tpr}")
    return firings_needed * (1 - tpr) / tpr


def simulate_handful(
    handful: int, rate: float, *, streams: int, length: int, generator: np.random.Generator
) -> Int[NDArray, " streams"]:
    """The conversation, counted from 1, at which each simulated stream rolls back; 0 for never."""
    _check(handful)
    times = firing_times(rate, streams, length, generator)
    if times.shape[1] <= handful:
        return np.zeros(streams, dtype=np.int64)
    at = times[:, handful]
    return np.where(at <= length, at, 0)


def _check(handful: int) -> None:
    if handful < 0:
        raise ValueError(f"handful must be 0 or more firings, not {handful}")
