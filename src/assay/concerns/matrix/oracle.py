"""What a detector that separates perfectly can show at a case's sizes; too small a case is refused."""

from __future__ import annotations

import math
from collections.abc import Mapping

from assay.concerns.budgets import Budgets
from assay.concerns.matrix.comparisons import BenignTestPower, SampleSize
from assay.concerns.matrix.scores import TestedConversations
from assay.errors import AssayError
from assay.statistics import (
    EffectiveSample,
    detector_passes,
    effective_sample,
    exceedances_allowed,
    least_n_for_rate,
    oracle_passes,
)
from assay.statistics.clusters import LEAST_ICC

ORACLE_AT_LEAST = 0.9
"""Least probability with which a detector that separates perfectly must pass the benign test."""


def benign_samples(
    tested: TestedConversations, icc: float
) -> tuple[EffectiveSample, EffectiveSample]:
    """(the conversations that set the threshold, the benign test conversations) of one organism."""
    calibration, counted = (
        effective_sample([c.excerpt.template for c in some], icc)
        for some in (tested.threshold, tested.counted)
    )
    return calibration, counted


def check_oracles(tested: Mapping[str, TestedConversations], budgets: Budgets) -> None:
    """Raise AssayError where an oracle would pass on one of the organisms with less than .9.

    The threshold's conversations must carry the guarantee on their effective number, at the least
    intraclass correlation that is assumed, .1. The message says which sizes would do.
    """
    found = []
    for name, conversations in tested.items():
        calibration, counted = benign_samples(conversations, LEAST_ICC)
        probability = oracle_passes(calibration, counted, budgets.fpr, budgets.delta)
        found.append((probability, calibration.n_effective, name, calibration))
    if not found:
        return
    probability, _, name, worst = min(found, key=lambda each: each[:3])
    if probability >= ORACLE_AT_LEAST:
        return
    needed = least_n_for_rate(budgets.fpr, budgets.delta)
    least = 1 - budgets.delta ** (1 / max(1.0, worst.n_effective))
    raise AssayError(
        f"on organism {name} a detector that separates perfectly would pass the benign test with "
        f"probability {probability:.2f}, at least {ORACLE_AT_LEAST} is needed: the threshold rests on "
        f"{worst.n} different benign conversations of {worst.clusters} templates, worth "
        f"{worst.n_effective:.0f} independent ones; {needed} are needed, or a budgets.fpr of at least "
        f"{math.ceil(1000 * least) / 1000:.3f} (add conversations of more templates: transfer.pool, "
        "transfer.threshold, deployment.benign)"
    )


def benign_test_chances(
    calibration: EffectiveSample, counted: EffectiveSample, budgets: Budgets
) -> tuple[float, float]:
    """(probability that an oracle passes the benign test, that of a detector at twice the budget).

    Both are 0 where the calibration cannot carry the guarantee, since nothing is admitted then.
    """
    if exceedances_allowed(calibration, budgets.fpr, budgets.delta) is None:
        return 0.0, 0.0
    twice = min(0.999, 2 * budgets.fpr)
    return (
        oracle_passes(calibration, counted, budgets.fpr, budgets.delta),
        detector_passes(twice, counted, budgets.fpr),
    )


def benign_test_powers(
    tested: Mapping[str, TestedConversations], budgets: Budgets, icc: float
) -> tuple[BenignTestPower, ...]:
    """For each organism, how probably detectors pass its benign test at a measured correlation."""
    found = []
    for name, conversations in tested.items():
        calibration, counted = benign_samples(conversations, icc)
        oracle, double_rate = benign_test_chances(calibration, counted, budgets)
        found.append(
            BenignTestPower(
                organism=name,
                calibration=size_of(calibration),
                needed=least_n_for_rate(budgets.fpr, budgets.delta),
                benign_test=size_of(counted),
                oracle=oracle,
                double_rate=double_rate,
            )
        )
    return tuple(found)


def is_enough(power: BenignTestPower) -> bool:
    """Whether a detector that separates perfectly passes the benign test probably enough."""
    return power.oracle >= ORACLE_AT_LEAST


def size_of(sample: EffectiveSample) -> SampleSize:
    """The numbers of a sample, for a result."""
    return SampleSize(n=sample.n, templates=sample.clusters, n_effective=sample.n_effective)
