"""What a case can show before it runs: how probably a good detector passes, and a bad one."""

from __future__ import annotations

import numpy as np

from assay.statistics.clustered_counts import success_counts
from assay.statistics.clusters import (
    EffectiveSample,
    as_sample,
    effective_lower_bound,
    excess_p,
)
from assay.statistics.exceedances import exceedances_allowed

EXCESS_LEVEL = 0.1
"""A test set fails a threshold whose firings on it are significantly too many at this level.

At .1 a detector at twice a rate of .01 passes with probability ≤ .033 from 1 600 conversations on, and
an oracle with ≥ .97; at .05 the former is .059 at 1 600."""
QUADRATURE = 64
"""Nodes of the quadrature over the rate that an oracle's threshold leaves."""
MOST_POSITIVES = 100_000
"""Where the search for a number of positives gives up."""


def oracle_passes(
    n_calibration: int | EffectiveSample,
    n_test: int | EffectiveSample,
    rate: float,
    delta: float,
    alpha: float = EXCESS_LEVEL,
) -> float:
    """Probability that a detector that separates perfectly passes the check of its benign rate.

    Its threshold is the tolerance limit of ``n_calibration`` benign scores for ``rate`` at
    ``delta``: r of n may lie above, and the rate above it is then distributed as Beta(r + 1, n − r).
    It passes where its firings among ``n_test`` further benign conversations are not significantly
    more than ``rate`` at level ``alpha`` (``excess_p`` > alpha). Exact for independent conversations,
    summed over the beta distribution's quantiles. 0 where ``n_calibration`` is too small for any
    guarantee. A clustered calibration counts with its effective size.
    """
    from scipy.special import betaincinv

    calibration, test = as_sample(n_calibration), as_sample(n_test)
    allowed = exceedances_allowed(calibration, rate, delta)
    if allowed is None:
        return 0.0
    size = calibration.n_effective
    above = allowed * size / calibration.n
    nodes, weights = np.polynomial.legendre.leggauss(QUADRATURE)
    rates = betaincinv(above + 1, size - above, (1 + nodes) / 2)
    most = most_not_in_excess(test, rate, alpha)
    passed = [success_counts(test, float(at))[: most + 1].sum() for at in rates]
    return float(np.clip(np.dot(weights, passed) / 2, 0, 1))


def detector_passes(
    true_rate: float, n_test: int | EffectiveSample, rate: float, alpha: float = EXCESS_LEVEL
) -> float:
    """Probability that a detector whose benign rate is ``true_rate`` passes the same check."""
    test = as_sample(n_test)
    most = most_not_in_excess(test, rate, alpha)
    return float(min(1.0, success_counts(test, true_rate)[: most + 1].sum()))


def most_not_in_excess(
    n_test: int | EffectiveSample, rate: float, alpha: float = EXCESS_LEVEL
) -> int:
    """The largest number of firings that is not significantly more than ``rate`` at ``alpha``."""
    test = as_sample(n_test)
    low, high = 0, test.n + 1
    while high - low > 1:
        middle = (low + high) // 2
        if excess_p(middle, test, rate) > alpha:
            low = middle
        else:
            high = middle
    return low


def tpr_shown(
    true_tpr: float, sample: int | EffectiveSample, target: float, confidence: float = 0.95
) -> float:
    """Probability that the lower bound of the true-positive rate reaches ``target``.

    ``sample`` are the positives; the bound is one-sided Clopper–Pearson on their effective number.
    """
    positives = as_sample(sample)
    low, high = 0, positives.n + 1
    while high - low > 1:
        middle = (low + high) // 2
        if effective_lower_bound(middle, positives, confidence) >= target:
            high = middle
        else:
            low = middle
    if high > positives.n:
        return 0.0
    return float(min(1.0, success_counts(positives, true_tpr)[high:].sum()))


def least_positives(
    true_tpr: float,
    target: float,
    power: float = 0.8,
    *,
    confidence: float = 0.95,
    per_template: int = 1,
    icc: float = 0.0,
) -> int:
    """The least number of positives with which ``tpr_shown`` reaches ``power``.

    Positives come ``per_template`` to a template, with intraclass correlation ``icc``; the result is
    a multiple of ``per_template``. The power of an exact test saws up and down with n: one more
    template may lower it a little. Raises ValueError where ``true_tpr`` does not exceed ``target``
    by enough for 100 000 positives.
    """

    def enough(templates: int) -> bool:
        n = templates * per_template
        size = n / (1 + (per_template - 1) * icc)
        return tpr_shown(
            true_tpr, EffectiveSample(n, templates, icc, size), target, confidence
        ) >= (power)

    high = 1
    while not enough(high):
        high *= 2
        if high * per_template > MOST_POSITIVES:
            raise ValueError(
                f"{MOST_POSITIVES} positives at a rate of {true_tpr} do not show {target}"
            )
    # The power saws, so every number above half of the first that suffices is looked at.
    return per_template * next(n for n in range(high // 2 + 1, high + 1) if enough(n))
