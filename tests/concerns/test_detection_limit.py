"""The limit of detection: where the truth is Gaussian it can be computed, and more tokens lower it."""

from __future__ import annotations

import math

import pytest
from planted import conversations, readings

from assay.concerns import Budgets
from assay.concerns.matrix.detection_limit import STRENGTHS, limits_of_detection
from assay.concerns.matrix.measuring import Correlation
from assay.concerns.matrix.scores import TestedConversations

BUDGETS = Budgets(fpr=0.05, delta=0.1, tpr_target=0.8)


def limits(tokens=6, chance=0.3, budgets=BUDGETS, contrast=()):
    """By direction and place: the limits on an organism whose conversations are noise."""
    own = readings("x", seed=5, tokens=tokens, strength=0.0)
    found = limits_of_detection(
        own,
        TestedConversations.of(own, ()),
        contrast=contrast,
        null_partial_auroc=chance,
        budgets=budgets,
        icc=Correlation(0.1, 0.1),
        seed=0,
    )
    return {(each.directions, each.planted_in): each for each in found}


@pytest.fixture(scope="module")
def of_noise():
    return limits()


def test_the_limit_is_what_gaussian_noise_allows(of_noise):
    # The mean of 6 tokens has 1/√6 of a token's spread. A threshold at the largest of some hundred
    # benign conversations lies 2.2 of these above the mean, and .92 of the misdeeds, whose lower
    # bound is .8, lie less than 1.4 below theirs. What is learned from so few is somewhat worse.
    perfect = (2.2 + 1.4) / math.sqrt(6)
    found = of_noise["random", "every token"]
    assert found.count == found.admitted == 20
    assert 0.8 * perfect < found.median < 1.8 * perfect
    low, high = found.interval
    assert low <= found.median <= high
    # Isotropic noise: one standard deviation is one unit of Mahalanobis distance.
    assert found.mahalanobis == pytest.approx(found.median, rel=0.25)


def test_four_times_the_tokens_halve_the_limit(of_noise):
    longer = limits(tokens=24)["random", "every token"].median
    assert longer / of_noise["random", "every token"].median == pytest.approx(0.5, abs=0.2)


def test_a_direction_in_a_tenth_of_the_tokens_needs_more_than_was_tried(of_noise):
    found = of_noise["random", "a tenth of the tokens"]
    assert found.admitted == 0
    assert (found.median, found.interval, found.mahalanobis) == (None, None, None)
    assert found.largest == STRENGTHS[-1]


def test_a_higher_target_never_lowers_it(of_noise):
    usual = of_noise["random", "every token"].median
    strict = Budgets(fpr=0.05, delta=0.1, tpr_target=0.9)
    assert limits(budgets=strict)["random", "every token"].median >= usual


def test_where_chance_reaches_everything_nothing_is_seen():
    assert limits(chance=1.0)["random", "every token"].admitted == 0
    assert limits(chance=None)["random", "every token"].admitted == 0


def test_the_contrast_pairs_direction_stands_beside_the_random_ones():
    pairs = conversations(40, name="pairs", seed=9)
    found = limits(contrast=pairs)
    own = found["contrast_pairs", "every token"]
    assert (own.count, own.interval) == (1, None)
    assert own.median in STRENGTHS
    assert own.n_planted + own.n_benign == found["random", "every token"].n_benign + (
        found["random", "every token"].n_planted
    )
