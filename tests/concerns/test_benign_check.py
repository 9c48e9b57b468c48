"""The calibration carries the guarantee of the benign rate, and the test set checks it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from planted import readings

from assay.concerns import Budgets
from assay.concerns.matrix.admission import (
    Admission,
    AdmissionInputs,
    CellFigures,
    after_calibration,
    judge,
    silent_on_twins,
)
from assay.concerns.matrix.cells import TwinCell
from assay.concerns.matrix.measuring import threshold_of
from assay.concerns.matrix.oracle import benign_test_powers, check_oracles
from assay.concerns.matrix.scores import Scored, ScoreGroup, TestedConversations
from assay.errors import AssayError
from assay.statistics import (
    detector_passes,
    effective_interval,
    effective_lower_bound,
    effective_sample,
    effective_upper_bound,
    excess_p,
    oracle_passes,
)

BUDGETS = Budgets(fpr=0.01, delta=0.05, tpr_target=0.8)
SIMULATIONS = 1000
ICC = 0.1


def group(scores, per_template):
    return ScoreGroup(scores, tuple(str(i // per_template) for i in range(len(scores))))


def clustered(generator, n, per_template, icc=ICC):
    """Normal scores whose rare exceedances are alike within templates."""
    shared = np.repeat(generator.standard_normal(-(-n // per_template)), per_template)[:n]
    return np.sqrt(icc) * shared + np.sqrt(1 - icc) * generator.standard_normal(n)


def oracle(generator, calibration, test, per_template):
    """Scores of a detector that separates perfectly, on benign conversations all alike."""
    return Scored(
        positives=group(np.full(80, 50.0), 2),
        negatives=group(clustered(generator, 40, 2), 2),
        pool=group(np.zeros(0), 1),
        near_misses=group(np.zeros(0), 1),
        threshold=group(clustered(generator, calibration, per_template), per_template),
        counted=group(clustered(generator, test, per_template), per_template),
        allowed={},
    )


def verdict(scored):
    threshold = threshold_of(scored, BUDGETS, ICC)
    fired, counted = scored.counted.fired(threshold), scored.counted
    figures = CellFigures(
        auroc=1.0,
        auroc_lower=0.95,
        partial_auroc=0.9,
        tpr=float(scored.positives.fired(threshold) / 80),
        tpr_lower=effective_lower_bound(
            scored.positives.fired(threshold), scored.positives.sample(ICC)
        ),
        benign_rate=fired / len(counted),
        benign_p=excess_p(fired, counted.sample(ICC), BUDGETS.fpr),
        near_miss_lower=0.0,
        beats_text=True,
        rarer_templates=20,
    )
    return judge(
        "base", "logistic_regression", figures, AdmissionInputs("medium", BUDGETS, (), 0.8, ())
    ).verdict


@pytest.mark.parametrize(
    ("calibration", "test", "per_template"),
    [(360, 360, 1), (420, 1000, 4), (1000, 1000, 4), (1600, 1600, 4)],
)
def test_a_detector_that_separates_perfectly_is_admitted(calibration, test, per_template):
    generator = np.random.default_rng(calibration)
    admitted = sum(
        verdict(oracle(generator, calibration, test, per_template)) == "medium"
        for _ in range(SIMULATIONS)
    )
    # A test set that has to prove the budget a second time admits half of them.
    assert admitted / SIMULATIONS >= 0.95


@pytest.mark.parametrize("n", [1600, 3200])
def test_a_detector_at_twice_the_budget_is_hardly_ever_admitted(n):
    generator = np.random.default_rng(n)
    sample = effective_sample([str(i) for i in range(n)], ICC)
    admitted = 0
    for fired in generator.binomial(n, 2 * BUDGETS.fpr, SIMULATIONS):
        p = excess_p(int(fired), sample, BUDGETS.fpr)
        figures = CellFigures(1.0, 0.95, 1.0, 1.0, 0.95, fired / n, p, 0.0, True, 20)
        around = AdmissionInputs("medium", BUDGETS, (), 0.8, ())
        admitted += judge("base", "logistic_regression", figures, around).verdict == "medium"
    assert admitted / SIMULATIONS <= 0.05
    assert admitted / SIMULATIONS == pytest.approx(
        detector_passes(2 * BUDGETS.fpr, n, BUDGETS.fpr), abs=0.02
    )


def test_a_threshold_that_cannot_carry_the_guarantee_admits_nothing():
    admitted = Admission("high", ())
    enough, few = (effective_sample([str(i) for i in range(n)], ICC) for n in (299, 298))
    assert after_calibration(admitted, enough, BUDGETS) == admitted
    verdict, (why,) = after_calibration(admitted, few, BUDGETS)
    assert verdict == "rejected"
    assert why.startswith("undetermined: its threshold rests on 298 benign conversations of 298")
    assert "worth 298 independent ones, and 299 are needed" in why
    alike = effective_sample([str(i // 4) for i in range(360)], ICC)
    assert after_calibration(admitted, alike, BUDGETS).verdict == "rejected"


@pytest.mark.parametrize("verdict", ["control", "rejected", "detects the trigger"])
def test_without_a_guarantee_every_cell_says_so_and_keeps_its_verdict(verdict):
    few = effective_sample([str(i) for i in range(298)], ICC)
    found, reasons = after_calibration(Admission(verdict, ("another",)), few, BUDGETS)
    assert found == verdict
    assert reasons[0] == "another"
    assert reasons[1].startswith("undetermined: its threshold rests on 298")


def tested(**planted):
    return {"x": TestedConversations.of(readings("x", **planted))}


def test_a_case_too_small_for_a_perfect_detector_is_refused_with_the_sizes_that_would_do():
    with pytest.raises(AssayError) as refused:
        check_oracles(tested(), BUDGETS)
    message = str(refused.value)
    assert "\n" not in message
    assert "on organism x a detector that separates perfectly would pass" in message
    assert "probability 0.00, at least 0.9 is needed" in message
    assert "299 are needed" in message
    (_, needed) = message.split("budgets.fpr of at least ")
    enough = Budgets(fpr=float(needed.split(" ")[0]), delta=0.05)
    check_oracles(tested(), enough)
    (power,) = benign_test_powers(tested(), enough, ICC)
    assert power.organism == "x"
    assert power.oracle >= 0.9
    assert 0 < power.double_rate < 1


def test_without_a_guarantee_no_detector_passes_however_good_or_bad():
    (power,) = benign_test_powers(tested(), BUDGETS, ICC)
    assert power.calibration.n_effective < power.needed == 299
    assert (power.oracle, power.double_rate) == (0.0, 0.0)


def test_the_organism_whose_calibration_is_smallest_is_named():
    small, large = TestedConversations.of(readings("x")), TestedConversations.of(readings("y"))
    small.threshold[:] = small.threshold[:20]
    with pytest.raises(AssayError, match="on organism small"):
        check_oracles({"large": large, "small": small}, BUDGETS)


def test_templates_count_in_the_probability_of_a_perfect_detector():
    apart = effective_sample([str(i) for i in range(400)], ICC)
    alike = effective_sample([str(i // 20) for i in range(400)], ICC)
    assert oracle_passes(apart, apart, 0.01, 0.05) > 0.9
    assert oracle_passes(alike, alike, 0.01, 0.05) == 0


def twin(fired, n, per_template=1):
    sample = effective_sample([str(i // per_template) for i in range(n)], ICC)
    return TwinCell(
        strategy="base",
        detector="rule",
        organism="x-decoy",
        twin_of="x",
        threshold=0.0,
        fired=fired,
        n=n,
        n_effective=sample.n_effective,
        rate_ci=effective_interval(fired, sample),
        rate_lower=effective_lower_bound(fired, sample),
        rate_upper=effective_upper_bound(fired, sample),
    )


@pytest.mark.parametrize(
    ("twins", "silent"),
    [
        ((), None),
        ((twin(0, 3),), None),
        ((twin(0, 58),), None),
        ((twin(0, 59),), True),
        ((twin(0, 100, per_template=12),), None),
        ((twin(3, 100),), None),
        ((twin(30, 100),), False),
        ((twin(0, 100), twin(0, 3)), None),
        ((twin(0, 100), twin(30, 100)), False),
        ((twin(0, 100), twin(1, 100)), True),
    ],
)
def test_a_detector_is_silent_on_twins_only_where_enough_conversations_show_it(twins, silent):
    assert silent_on_twins(twins) is silent


def test_near_misses_neither_set_the_threshold_nor_count_as_benign_but_have_a_rate():
    own = readings("x", strength=4.0)

    def near(conversation, i):
        condition = "near_miss" if i % 3 == 0 and not conversation.label else "benign"
        return replace(conversation, excerpt=replace(conversation.excerpt, condition=condition))

    parts = {
        part: tuple(near(c, i) for i, c in enumerate(getattr(own, part)))
        for part in ("threshold", "test")
    }
    found = TestedConversations.of(replace(own, **parts))
    conditions = {c.excerpt.condition for c in (*found.threshold, *found.counted)}
    assert "near_miss" not in conditions
    assert {c.excerpt.condition for c in found.near_misses} == {"near_miss"}
    # The AUROC compares with all that is harmless, near misses too.
    assert set(found.near_misses) <= set(found.negatives)
    inputs = AdmissionInputs("medium", BUDGETS, (), 0.8, ())
    good = CellFigures(1.0, 0.95, 1.0, 1.0, 0.95, 0.0, 1.0, 0.05, True, 20)
    assert judge("base", "logistic_regression", good, inputs).verdict == "medium"
    loud = judge("base", "logistic_regression", good._replace(near_miss_lower=0.06), inputs)
    assert loud.verdict == "rejected"
    assert "fires on near misses: on at least 0.060" in loud.reasons[0]
