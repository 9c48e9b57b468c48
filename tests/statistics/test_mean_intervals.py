"""Means of a few values: t and sign-flip intervals cover where ±1.96 standard errors do not."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from assay.randomness import numpy_generator
from assay.statistics import clopper_pearson, sign_flip_interval, sign_flip_p, t_interval


def coverage(interval, draws, truth=0.0):
    return sum(low <= truth <= high for low, high in map(interval, draws))


@pytest.mark.parametrize("n", [2, 3, 8, 16])
def test_the_t_interval_covers_a_normal_mean_at_any_n(n):
    draws = numpy_generator(0, f"t/{n}").normal(size=(4000, n))
    low, high = clopper_pearson(coverage(t_interval, draws), 4000, 0.999)
    assert low <= 0.95 <= high
    assert t_interval([1.0]) == (-np.inf, np.inf)


def test_two_values_at_196_standard_errors_cover_seventy_percent():
    draws = numpy_generator(0, "z").normal(size=(4000, 2))
    half = 1.96 * draws.std(axis=1, ddof=1) / np.sqrt(2)
    assert (np.abs(draws.mean(axis=1)) <= half).mean() < 0.75


def test_the_p_of_sign_flips_is_that_of_all_flips_by_hand():
    x = np.array([1.2, 0.3, -0.4, 2.0, 0.9, 1.1, 0.2])
    sums = np.array([np.dot(signs, x) for signs in product((1, -1), repeat=len(x))])
    assert sign_flip_p(x) == pytest.approx((np.abs(sums) >= abs(x.sum()) - 1e-12).mean())
    assert sign_flip_p(x, centre=5.0) == pytest.approx(2 / 2**7)
    assert sign_flip_p([]) == 1.0
    assert sign_flip_p([0.0, 0.0]) == 1.0


@pytest.mark.parametrize("n", [6, 9, 20])
def test_the_sign_flip_interval_holds_exactly_the_centres_that_are_not_rejected(n):
    x = numpy_generator(0, f"inverse/{n}").standard_t(3, n)
    low, high = sign_flip_interval(x)
    for centre, kept in [(low - 1e-6, 0), (low + 1e-6, 1), (high - 1e-6, 1), (high + 1e-6, 0)]:
        assert (sign_flip_p(x, centre) > 0.05) == bool(kept)


def test_fewer_than_six_values_bound_nothing_by_sign_flips():
    assert sign_flip_interval([1.0, 2.0, 3.0, 4.0, 5.0]) == (-np.inf, np.inf)
    assert np.isfinite(sign_flip_interval([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])).all()


@pytest.mark.parametrize("n", [6, 10, 24])
def test_the_sign_flip_interval_covers_however_heavy_the_tails(n):
    draws = numpy_generator(0, f"cauchy/{n}").standard_cauchy((1500, n))
    assert clopper_pearson(coverage(sign_flip_interval, draws), 1500, 0.999)[1] >= 0.95
