"""The tail of scores beyond the largest observed score: generalised Pareto fit (Pickands 1975)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import NDArray

LEAST_PEAKS = 20
"""Smallest number of scores above the level for a fit of the tail."""


@dataclass(frozen=True)
class TailFit:
    """A generalised Pareto distribution fitted to the scores above a high level."""

    level: float
    """The level whose exceedances were fitted, in the scores' unit."""
    shape: float
    """ξ: above 0 a heavy tail, 0 an exponential one, below 0 a bounded one."""
    scale: float
    """σ, in the scores' unit."""
    n: int
    """Number of scores."""
    peaks: int
    """Number of scores above the level."""
    qq: tuple[tuple[float, float], ...]
    """(fitted quantile, observed score) of each peak, ascending; a good fit lies on the diagonal."""

    def threshold(self, rate: float) -> float:
        """The value that a new score exceeds with probability ``rate``, if the fit holds.

        Raises ValueError for a rate above ``peaks / n``, for which the tail is not needed.
        """
        from scipy.stats import genpareto

        share = self.peaks / self.n
        if not 0 < rate <= share:
            raise ValueError(f"the tail was fitted for rates up to {share:.3g}, not {rate}")
        return self.level + float(genpareto.isf(rate / share, self.shape, scale=self.scale))


def fit_tail(scores: Float[NDArray, " n"], share: float = 0.1) -> TailFit:
    """Fit the tail above the (1 − ``share``) quantile by maximum likelihood.

    Raises ValueError for fewer than 20 peaks or scores that are not finite.
    """
    from scipy.stats import genpareto

    values = np.asarray(scores, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ValueError("scores must be finite")
    level = float(np.quantile(values, 1 - share)) if len(values) else 0.0
    above = np.sort(values[values > level])
    if len(above) < LEAST_PEAKS:
        raise ValueError(
            f"{len(above)} of {len(values)} scores lie above {level:.4g}; "
            f"a tail needs {LEAST_PEAKS}"
        )
    shape, _, scale = genpareto.fit(above - level, floc=0)
    places = (np.arange(len(above)) + 0.5) / len(above)
    fitted = level + genpareto.ppf(places, shape, scale=scale)
    return TailFit(
        level=level,
        shape=float(shape),
        scale=float(scale),
        n=len(values),
        peaks=len(above),
        qq=tuple((float(x), float(y)) for x, y in zip(fitted, above, strict=True)),
    )
