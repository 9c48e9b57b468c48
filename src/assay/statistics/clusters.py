"""How many independent outcomes there are when outcomes share templates, and bounds on that number.

Outcomes of one template resemble each other. With intraclass correlation ρ the variance of their mean
is that of independent outcomes times the design effect 1 + (m̄ − 1) ρ (Kish 1965, "Survey Sampling",
8.2). Where sizes differ, m̄ = Σ m² / Σ m, the size of the cluster of a typical outcome (Donner & Klar
2000, "Design and Analysis of Cluster Randomization Trials", 5.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

LEAST_ICC = 0.1
"""The intraclass correlation that is assumed where a smaller one is estimated."""


@dataclass(frozen=True)
class EffectiveSample:
    """A sample of clustered outcomes, and the number of independent outcomes that it is worth."""

    n: int
    """Number of outcomes, such as prompts."""
    clusters: int
    """Number of clusters that they come from, such as templates."""
    icc: float
    """Intraclass correlation ρ of outcomes of one cluster, in [0, 1]."""
    n_effective: float
    """n / design effect: n at ρ = 0, the number of clusters at ρ = 1 where sizes are equal."""

    @property
    def design_effect(self) -> float:
        """Variance of the mean over that of as many independent outcomes; 1 for an empty sample."""
        return self.n / self.n_effective if self.n else 1.0


def effective_sample(clusters: Sequence[str], icc: float) -> EffectiveSample:
    """The effective size n / (1 + (m̄ − 1) ρ) of outcomes whose cluster names are ``clusters[n]``.

    m̄ = Σ m² / Σ m over the cluster sizes m. Raises ValueError for an ``icc`` outside [0, 1].

    >>> sample = effective_sample(["a", "a", "b", "b"], 0.5)
    >>> sample.design_effect, round(sample.n_effective, 3)
    (1.5, 2.667)
    """
    if not 0 <= icc <= 1:
        raise ValueError(f"an intraclass correlation lies between 0 and 1, not {icc}")
    n = len(clusters)
    if n == 0:
        return EffectiveSample(n=0, clusters=0, icc=float(icc), n_effective=0.0)
    sizes = np.unique(np.asarray(clusters, dtype=str), return_counts=True)[1]
    typical = float((sizes**2).sum()) / n
    return EffectiveSample(
        n=n,
        clusters=len(sizes),
        icc=float(icc),
        n_effective=n / (1 + (typical - 1) * icc),
    )


def as_sample(sample: int | EffectiveSample) -> EffectiveSample:
    """``sample`` itself, or that many outcomes that share nothing."""
    if isinstance(sample, EffectiveSample):
        return sample
    return EffectiveSample(n=sample, clusters=sample, icc=0.0, n_effective=float(sample))


def pooled_icc(groups: Sequence[tuple[ArrayLike, ArrayLike]], floor: float = LEAST_ICC) -> float:
    """Intraclass correlation of outcomes, pooled over groups such as organisms: at least ``floor``.

    Each group is (outcomes[n], cluster names[n]); clusters of different groups are different. The
    analysis-of-variance estimator (MSB − MSW) / (MSB + (m₀ − 1) MSW), with the sums of squares around
    each group's own mean and their degrees of freedom added over groups (Donner & Klar 2000, 5.2).
    A group whose outcomes are all equal says nothing about ρ and is left out. Where no group says
    anything, or no cluster has two outcomes, the result is the floor: few outcomes give a noisy
    estimate, and an estimate of 0 would treat them as independent.
    """
    between = within = 0.0
    between_freedom = within_freedom = 0
    spare = 0.0
    for outcomes, clusters in groups:
        values = np.asarray(outcomes, dtype=np.float64)
        if len(values) == 0 or (values == values[0]).all():
            continue
        _, inverse, sizes = np.unique(
            np.asarray(clusters, dtype=str), return_inverse=True, return_counts=True
        )
        means = np.bincount(inverse, weights=values) / sizes
        between += float((sizes * (means - values.mean()) ** 2).sum())
        within += float(((values - means[inverse]) ** 2).sum())
        between_freedom += len(sizes) - 1
        within_freedom += len(values) - len(sizes)
        spare += len(values) - float((sizes**2).sum()) / len(values)
    if between_freedom == 0 or within_freedom == 0:
        return float(floor)
    size = spare / between_freedom
    mean_between, mean_within = between / between_freedom, within / within_freedom
    icc = (mean_between - mean_within) / (mean_between + (size - 1) * mean_within)
    return float(np.clip(icc, floor, 1.0))


def effective_interval(
    successes: int, sample: EffectiveSample, confidence: float = 0.95
) -> tuple[float, float]:
    """Two-sided Clopper–Pearson interval of a rate on the effective sample.

    Counts are scaled by n_effective / n and need not be whole: the ends are quantiles of beta
    distributions (Korn & Graubard 1998). (0, 1) for an empty sample. Raises ValueError for
    impossible counts.
    """
    tail = (1 - confidence) / 2
    return _lower_end(successes, sample, tail), _upper_end(successes, sample, tail)


def effective_upper_bound(
    successes: int, sample: EffectiveSample, confidence: float = 0.95
) -> float:
    """One-sided upper Clopper–Pearson bound on the effective sample; 1 for an empty one."""
    return _upper_end(successes, sample, 1 - confidence)


def effective_lower_bound(
    successes: int, sample: EffectiveSample, confidence: float = 0.95
) -> float:
    """One-sided lower Clopper–Pearson bound on the effective sample; 0 for an empty one."""
    return _lower_end(successes, sample, 1 - confidence)


def excess_p(fired: int, sample: EffectiveSample, rate: float) -> float:
    """P(at least ``fired`` of the sample fire) where each fires at ``rate``: is the rate exceeded?

    The binomial tail on the effective sample, I_rate(k, n − k + 1) at counts scaled by
    n_effective / n; 1 where nothing fired. Raises ValueError for impossible counts or a rate outside
    (0, 1).
    """
    from scipy.special import betainc

    if not 0 < rate < 1:
        raise ValueError(f"a rate lies strictly between 0 and 1, not {rate}")
    count = _scaled(fired, sample)
    if fired == 0:
        return 1.0
    return float(betainc(count, sample.n_effective - count + 1, rate))


def _scaled(successes: int, sample: EffectiveSample) -> float:
    if not 0 <= successes <= sample.n:
        raise ValueError(f"{successes} successes of {sample.n} is impossible")
    return successes * sample.n_effective / sample.n if sample.n else 0.0


def _upper_end(successes: int, sample: EffectiveSample, tail: float) -> float:
    from scipy.special import betaincinv

    count = _scaled(successes, sample)
    if successes == sample.n:
        return 1.0
    return float(betaincinv(count + 1, sample.n_effective - count, 1 - tail))


def _lower_end(successes: int, sample: EffectiveSample, tail: float) -> float:
    from scipy.special import betaincinv

    count = _scaled(successes, sample)
    if successes == 0:
        return 0.0
    return float(betaincinv(count, sample.n_effective - count + 1, tail))
