"""The learning curve and the readers, on organisms whose truth is planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from planted import D_MODEL, readings

from assay.concerns.budgets import Budgets
from assay.concerns.conversations.pool import pool_part
from assay.concerns.matrix.learning_curve import SUBSETS, measure_references, subsets_of
from assay.concerns.matrix.measuring import Correlation
from assay.concerns.matrix.reference_views import Learnable, views_of

ICC = Correlation(0.1, 0.1)
BUDGETS = Budgets(fpr=0.1, delta=0.1)
QUIET = {"words": ("a", "a"), "noise": 0.1}
NAMES = "abcdef"


POOL = readings("pool", seed=77, strength=0.0, nuisance=0.6, **QUIET).pool


def shifted(conversations, *, common, own):
    """Each conversation, and where it misbehaves a common direction and one of the organism's own."""
    return tuple(
        replace(c, activations=c.activations + (common + own) if c.label else c.activations)
        for c in conversations
    )


def organism(number, *, seen_by_reader=False):
    """Misbehaviour shows on every token in the own state, and to a reader where it is said so."""
    generator = torch.Generator().manual_seed(number)
    common = torch.zeros(D_MODEL)
    common[0] = 1.0
    own = torch.randn(D_MODEL, generator=generator) * 0.15
    plain = readings(NAMES[number], seed=100 * number, strength=0.0, nuisance=0.6, **QUIET)
    changed = {
        name: shifted(getattr(plain, name), common=common, own=own) for name in ("discover", "test")
    }
    if seen_by_reader:
        changed |= {f"base_{name}": rows for name, rows in changed.items()}
    # All read the same pool, and what they make of it is the same.
    return replace(plain, pool=POOL, **changed)


def measured(organisms, windows=("reply",)):
    return measure_references(
        organisms, organisms[0].pool, windows, budgets=BUDGETS, icc=ICC, seed=0
    )


@pytest.fixture(scope="module")
def hidden():
    return measured([organism(i) for i in range(6)])


def at(curve, view, amount, k):
    return next(p for p in curve if (p.view, p.amount, p.organisms) == (view, amount, k))


def test_more_organisms_teach_what_they_share(hidden):
    first, last = at(hidden.curve, "own", "all", 1), at(hidden.curve, "own", "all", 5)
    assert last.auroc > first.auroc + 0.05
    assert last.auroc > 0.9
    assert last.tpr >= first.tpr
    # Breadth counts by itself: at an equal number of conversations it rises too.
    equal = [at(hidden.curve, "own", "equal", k).auroc for k in (1, 5)]
    assert equal[1] > equal[0] + 0.03
    assert (last.tested, last.subsets) == (6, 1)
    assert last.auroc_ci[0] <= last.auroc <= last.auroc_ci[1]


def test_what_only_the_own_state_shows_is_a_gap_and_what_a_reader_sees_is_none(hidden):
    for figures in hidden.figures:
        assert figures.of("own").auroc > 0.7
        # Neither the words nor a reader know anything.
        assert abs(figures.of("reader").auroc - 0.5) < 0.25
        assert abs(figures.of("text").auroc - 0.5) < 0.25
    shown = [f.in_words for f in hidden.figures]
    assert shown.count("the model's own state shows more than a reader sees") >= 5
    open_to_all = measured([organism(i, seen_by_reader=True) for i in range(6)])
    for figures in open_to_all.figures:
        assert figures.in_words == "no difference from a reader of the conversation is shown"
        assert figures.gap == pytest.approx(0.0, abs=1e-9)


def test_nothing_of_the_tested_family_is_learned_from():
    own, *others = (organism(i) for i in range(3))
    twin = readings("a-decoy", parent=own.organism, seed=9)
    twin = replace(twin, discover=twin.test, base_discover=twin.test)
    found = measured([own, twin, *others])
    assert [f.learned_from for f in found.figures if f.organism == "a"] == [2]
    learnable, _ = views_of(own, others, own.pool, ())
    assert set(learnable.families) == {"b", "c"}
    # The contrast: the decoy is a negative where its family may be learned from.
    with_decoy = Learnable.of([own, twin])
    learning = pool_part(own.pool, "learning")
    assert set(with_decoy.families) == {"a"}
    assert with_decoy.labels.sum() == sum(c.label for c in own.discover)
    assert len(with_decoy.labels) == len(own.discover) + len(twin.test) + len(learning)


def test_equal_amounts_are_as_many_conversations_however_many_organisms_they_come_from():
    learnable = Learnable.of([organism(i) for i in range(4)])
    for families in (["a"], ["a", "b", "c"]):
        rows = learnable.equal_share(families, (20, 25), 0, "x")
        assert int(learnable.labels[rows].sum()) == 20
        assert len(rows) == 45
        assert set(learnable.families[rows]) == set(families)


def test_all_subsets_are_tried_or_a_sample_of_them():
    assert len(subsets_of("abcd", 2, 0, "x")) == 6
    many = subsets_of([f"o{i:02d}" for i in range(30)], 15, 0, "x")
    assert len(many) == SUBSETS
    assert len(set(many)) == SUBSETS
    assert all(len(set(some)) == 15 for some in many)


def test_too_few_organisms_have_a_curve_without_intervals():
    found = measured([organism(i) for i in range(3)], windows=("reply", "before"))
    assert all(p.auroc_ci is None for p in found.curve)
    assert {p.organisms for p in found.curve} == {1, 2}
    assert {f.window for f in found.figures} == {"reply", "before"}
    assert np.isfinite([p.tpr for p in found.curve]).all()
    alone = measured([organism(0)])
    assert (alone.curve, alone.figures) == ((), ())
