"""Coverage of intervals of means and ratios, from few values and with heavy tails."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from assay.statistics.approximate import HEAVY_TAILS, NORMAL, SKEWED
from assay.statistics.coverage_study.coverage_case import CoverageCase
from assay.statistics.jackknife import assign_groups, jackknife_interval, jackknife_ratio
from assay.statistics.mean_intervals import sign_flip_interval, t_interval

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from numpy.typing import NDArray

DISTRIBUTIONS = (NORMAL, HEAVY_TAILS, SKEWED)
"""Of the values whose mean is bounded."""

Interval = Callable[["NDArray"], tuple[float, float]]


def centred_values(
    generator: np.random.Generator, shape: tuple[int, ...], distribution: str
) -> Float[NDArray, "*shape"]:
    """Values with mean 0: normal, Student's t with 3 degrees of freedom, or log-normal."""
    if distribution == NORMAL:
        return generator.normal(size=shape)
    if distribution == HEAVY_TAILS:
        return generator.standard_t(3, shape)
    return generator.lognormal(size=shape) - np.exp(0.5)


def _mean(
    simulations: int,
    generator: np.random.Generator,
    *,
    interval: Interval,
    n: int,
    distribution: str,
) -> Bool[NDArray, " simulations"]:
    found = [
        interval(values) for values in centred_values(generator, (simulations, n), distribution)
    ]
    return np.array([low <= 0 <= high for low, high in found])


def _ratio(
    simulations: int, generator: np.random.Generator, *, units: int, distribution: str
) -> Bool[NDArray, " simulations"]:
    """Documents of unequal length, each with a rate of its own; the ratio of the sums is 1."""
    kept = []
    for _ in range(simulations):
        lengths = generator.integers(50, 200, units).astype(np.float64)
        rates = 1 + 0.3 * centred_values(generator, (units,), distribution)
        _, low, high = jackknife_ratio(rates * lengths, lengths)
        kept.append(low <= 1 <= high)
    return np.array(kept)


def _grouped_mean(
    simulations: int, generator: np.random.Generator, *, units: int, groups: int, distribution: str
) -> Bool[NDArray, " simulations"]:
    """The mean over documents, with each group of documents left out in turn."""
    values = centred_values(generator, (simulations, units), distribution)
    dealt = assign_groups(np.arange(units), groups, generator)
    members = np.eye(groups)[dealt]
    without = (values.sum(axis=1)[:, None] - values @ members) / (units - members.sum(axis=0))
    low, high = jackknife_interval(without.T, values.mean(axis=1))
    return np.asarray((low <= 0) & (high >= 0))


MEAN_CASES = (
    *(
        CoverageCase(
            interval.__name__,
            distribution,
            f"n {n}",
            partial(_mean, interval=interval, n=n, distribution=distribution),
        )
        for interval, sizes in (
            (t_interval, (2, 4, 8, 16, 32)),
            (sign_flip_interval, (6, 8, 12, 16, 32)),
        )
        for n in sizes
        for distribution in DISTRIBUTIONS
    ),
    *(
        CoverageCase(
            "jackknife_ratio",
            distribution,
            f"{units} documents",
            partial(_ratio, units=units, distribution=distribution),
        )
        for units in (16, 48, 200)
        for distribution in DISTRIBUTIONS
    ),
    *(
        CoverageCase(
            "jackknife_interval",
            distribution,
            f"a mean over {units} documents in {groups} groups",
            partial(_grouped_mean, units=units, groups=groups, distribution=distribution),
        )
        for units, groups in ((48, 16), (200, 16), (200, 32))
        for distribution in DISTRIBUTIONS
    ),
)
"""Student's t and sign flips at n = 2 to 32, the jackknife over documents."""
