"""The mixture e-process: tests at every look whether the firing rate exceeds p₀.

E_n = Σ_j w_j Π_i LR_{j,i} is a mixture of likelihood ratios of Bernoulli(r_j p₀) against
Bernoulli(p₀). Under any rate ≤ p₀ (the rate may vary, as long as it never exceeds p₀ given the
past) it is a non-negative supermartingale that starts at 1, so P(E_n ≥ 1/α at any n) ≤ α (Ville
1939; Ramdas et al. 2023, "Game-theoretic statistics and safe anytime-valid inference").
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from assay.statistics.firing_streams import firing_times

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from numpy.typing import NDArray

RATIOS = (2.0, 5.0, 10.0, 30.0, 100.0)
"""Ratios p₁/p₀ of the alternatives in the mixture, with equal weights."""
NEGLIGIBLE = 1e-16
"""Probability mass below which the exact computations stop."""


@dataclass(frozen=True)
class MixtureEProcess:
    """Evidence against "the rate is at most p0", as a function of two counts."""

    p0: float
    """Upper bound of the rate at which benign conversations fire; an estimate would not be valid."""
    alpha: float
    """Largest acceptable probability of ever rolling back while the rate is at most p0."""
    ratios: tuple[float, ...] = RATIOS
    """p₁/p₀ of the alternatives; those with p₁ ≥ 1 are dropped, the others have equal weights."""

    def __post_init__(self) -> None:
        if not (0 < self.p0 < 1 and 0 < self.alpha < 1):
            raise ValueError(
                f"p0 and alpha lie strictly between 0 and 1, not {self.p0}, {self.alpha}"
            )
        if min(self.ratios, default=0) <= 1:
            raise ValueError(f"ratios p1/p0 are above 1, not {self.ratios}")
        if not self.usable_ratios:
            raise ValueError(f"p0 = {self.p0} leaves no alternative p1 < 1 to test against")

    @cached_property
    def usable_ratios(self) -> tuple[float, ...]:
        """The ratios for which p₁ is below 1."""
        return tuple(ratio for ratio in self.ratios if ratio * self.p0 < 1)

    def log_e(self, seen: NDArray | int, fired: NDArray | int) -> Float[NDArray, ...]:
        """Natural logarithm of E after ``seen`` conversations, ``fired`` of which fired.

        Broadcasts over arrays of counts. The order of the firings in time does not matter.
        """
        ratios = np.array(self.usable_ratios)
        hit = np.log(ratios)
        miss = np.log1p(-ratios * self.p0) - np.log1p(-self.p0)
        fires = np.asarray(fired, dtype=np.float64)[..., None]
        quiet = np.asarray(seen, dtype=np.float64)[..., None] - fires
        parts = fires * hit + quiet * miss
        largest = parts.max(axis=-1, keepdims=True)
        return np.asarray(largest[..., 0] + np.log(np.exp(parts - largest).mean(axis=-1)))

    def crosses(self, seen: NDArray | int, fired: NDArray | int) -> NDArray:
        """Whether E ≥ 1/alpha, where the rule rolls back. Broadcasts over arrays of counts."""
        return np.asarray(self.log_e(seen, fired) >= -np.log(self.alpha))

    def firings_needed(self, seen: int) -> int:
        """The smallest number of firings among ``seen`` conversations at which E ≥ 1/alpha.

        It is greater than ``seen`` where even firings in all conversations would not roll back.
        """
        low, high = 0, 1
        while not self.crosses(max(seen, high), high):
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            if self.crosses(max(seen, middle), middle):
                high = middle
            else:
                low = middle
        return high

    def latest_crossing(self, fired: int, known: int = 0) -> int:
        """The largest number of conversations at which ``fired`` firings still roll back, or 0.

        The search starts at ``known``, a number of conversations at which they are known to roll back.
        """
        low = max(known, fired)
        if not self.crosses(low, fired):
            return 0
        step = 1
        while self.crosses(low + step, fired):
            low, step = low + step, 2 * step
        high = low + step
        while high - low > 1:
            middle = (low + high) // 2
            if self.crosses(middle, fired):
                low = middle
            else:
                high = middle
        return low

    def rollback_probability(self, rate: float, horizon: int) -> float:
        """Probability that E reaches 1/alpha within ``horizon`` conversations that fire at ``rate``.

        Exact up to rounding: between two values of ``latest_crossing`` the number of firings that
        rolls back is constant, so a single binomial step adds all firings between them.
        """
        running = np.ones(1)
        done, fired = 0, 0
        while done < horizon and running.sum() > NEGLIGIBLE:
            fired += 1
            end = min(self.latest_crossing(fired, known=done), horizon)
            if end > done:
                added = _binomial(end - done, rate, most=fired)
                running = np.convolve(running, added)[:fired]
                done = end
        return float(np.clip(1 - running.sum(), 0, 1))


def _binomial(n: int, rate: float, most: int) -> Float[NDArray, " counts"]:
    """P(Binomial(n, rate) = 0, 1, …) up to ``most``, or until the remaining mass is below 1e-16."""
    from scipy.special import gammaln, xlog1py, xlogy

    mean = n * rate
    k = np.arange(min(n, most, int(mean + 10 * mean**0.5) + 20) + 1)
    ways = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return np.asarray(np.exp(ways + xlogy(k, rate) + xlog1py(n - k, -rate)))


def simulate_e_process(
    process: MixtureEProcess,
    rate: float,
    *,
    streams: int,
    length: int,
    generator: np.random.Generator,
) -> Int[NDArray, " streams"]:
    """The conversation, counted from 1, at which each simulated stream rolls back; 0 for never.

    E falls between firings, so it is evaluated only where a conversation fires.
    """
    times = firing_times(rate, streams, length, generator)
    crosses = process.crosses(times, np.arange(1, times.shape[1] + 1)) & (times <= length)
    first = crosses.argmax(axis=1)
    at = np.take_along_axis(times, first[:, None], axis=1)[:, 0]
    return np.where(crosses.any(axis=1), at, 0)
