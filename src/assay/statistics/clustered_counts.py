"""How many outcomes succeed in a sample whose outcomes share templates: the exact distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from assay.statistics.clusters import EffectiveSample

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import NDArray


def success_counts(sample: EffectiveSample, rate: float) -> Float[NDArray, " counts"]:
    """P(0, 1, …, n of the sample succeed) where each does with probability ``rate``.

    Each template's own rate is drawn from the beta distribution with mean ``rate`` and intraclass
    correlation ``sample.icc``, and the templates have equal sizes, or sizes that differ by one.
    Without correlation it is the binomial distribution.
    """
    from scipy.stats import betabinom, binom

    n, icc = sample.n, sample.icc
    if icc == 0 or sample.clusters in (0, n) or rate in (0.0, 1.0):
        return np.asarray(binom.pmf(np.arange(n + 1), n, rate))
    if icc == 1:
        return _all_or_none(sample, rate)
    spread = (1 - icc) / icc
    size, larger = divmod(n, sample.clusters)
    length = n + 1
    spectrum = np.ones(length // 2 + 1, dtype=np.complex128)
    for of_size, clusters in ((size, sample.clusters - larger), (size + 1, larger)):
        if clusters and of_size:
            one = betabinom.pmf(np.arange(of_size + 1), of_size, rate * spread, (1 - rate) * spread)
            spectrum *= np.fft.rfft(one, length) ** clusters
    counts = np.maximum(np.fft.irfft(spectrum, length), 0.0)
    return np.asarray(counts / counts.sum())


def _all_or_none(sample: EffectiveSample, rate: float) -> NDArray:
    """Every template succeeds or fails as a whole."""
    from scipy.stats import binom

    counts = np.zeros(sample.n + 1)
    size, larger = divmod(sample.n, sample.clusters)
    smaller = sample.clusters - larger
    few = binom.pmf(np.arange(smaller + 1), smaller, rate)
    many = binom.pmf(np.arange(larger + 1), larger, rate)
    at = size * np.arange(smaller + 1)[:, None] + (size + 1) * np.arange(larger + 1)[None]
    np.add.at(counts, at, few[:, None] * many[None])
    return counts
