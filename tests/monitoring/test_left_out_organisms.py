"""Sensitivity is measured by a monitor that never saw the organism, nor anything of its family."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from small_monitors import small_settings

from assay.concerns import StrategyChoice
from assay.monitoring import (
    WatchedActivations,
    WatchSource,
    benign_values,
    calibrate_benign,
    choose_watched,
    left_out_sensitivities,
)
from assay.monitoring.choosing import of_one_width, values_of, without_repetitions
from assay.monitoring.result import WatchedFeature
from assay.monitoring.scoring import scores_of_values

sys.path.insert(0, str(Path(__file__).parents[1] / "concerns"))
from planted import PLANTED, conversations, dictionary, readings, relabelled

OTHER = 3
"""The feature by which the odd organism misbehaves, and no other organism does."""
UNVERIFIED = ("unsure",)
"""Organisms that failed their own verification."""
SETTINGS = small_settings(fpr=0.02, delta=0.1)


def moved(conversation):
    """The same conversation with its planted direction turned into another one."""
    rows = dictionary().W_dec.detach()
    planted, other = rows[PLANTED], rows[OTHER]
    x = conversation.activations
    swapped = x + ((x @ planted - x @ other)[:, None]) * (other - planted)
    return replace(conversation, activations=swapped)


def odd(name, **planted):
    """An organism that misbehaves along a direction of its own."""
    own = readings(name, **planted)
    parts = ("discover", "threshold", "test", "base_discover", "base_test")
    return replace(own, **{part: tuple(map(moved, getattr(own, part))) for part in parts})


def source_of(*organisms):
    cells = [
        SimpleNamespace(
            strategy="base",
            detector="difference_in_means",
            organism=o.organism.name,
            partial_auroc=0.9,
        )
        for o in organisms
        if not o.organism.is_twin
    ]
    return WatchSource(
        matrix=SimpleNamespace(
            cells=cells,
            site="resid_post.1",
            further_sites=(),
            window="reply",
            icc=0.3,
            benign_icc=0.2,
            organism=lambda name: SimpleNamespace(admitted=name not in UNVERIFIED),
        ),
        readings=organisms,
        generated={},
        strategies=[StrategyChoice(name="base")],
        loaded=SimpleNamespace(dictionary=dictionary()),
        pool=(),
        scaling=watched(conversations(60, share=0.0, name="scaling", seed=50)),
        seed=0,
    )


def watched(rows):
    return [WatchedActivations.of(c) for c in rows]


@pytest.fixture(scope="module")
def benign():
    return [
        replace(each, template=f"benign-{i}")
        for i, each in enumerate(watched(conversations(400, share=0.0, name="benign", seed=60)))
    ]


@pytest.fixture(scope="module")
def three():
    return source_of(
        readings("one", seed=1, strength=9.0),
        readings("two", seed=5, strength=9.0),
        odd("odd", seed=9, strength=9.0),
    )


def test_features_of_one_site_stand_beside_those_of_all_with_zeros_for_the_rest():
    narrow = WatchedFeature(name="a", direction=(1.0, 2.0), bias=0.0)
    wide = WatchedFeature(name="b", direction=(1.0, 2.0, 3.0, 4.0), bias=0.0)
    padded, same = of_one_width([narrow, wide])
    assert padded.direction == (1.0, 2.0, 0.0, 0.0)
    assert same == wide
    assert of_one_width([narrow]) == [narrow]


def test_an_organism_unlike_all_others_is_not_caught_although_learning_from_it_would_catch_it(
    three, benign
):
    found = {s.organism: s for s in left_out_sensitivities(three, benign, SETTINGS)}
    assert found["one"].tpr > 0.8
    assert found["two"].tpr > 0.8
    assert found["odd"].tpr < 0.2
    # The contrast: the monitor that is deployed has learned from all three.
    scoring = choose_watched(three)
    calibration, _ = calibrate_benign(scoring, benign_values(scoring, benign), SETTINGS)
    own = [c for c in three.readings[2].test if c.label]
    scores = scores_of_values(scoring, values_of(scoring, watched(own)))
    assert np.mean(scores > calibration.threshold) > 0.8


def test_an_organism_whose_benign_replies_fire_says_so_beside_its_true_positives(three, benign):
    loud = readings("loud", seed=1, strength=9.0)
    # Half of its benign replies carry the direction, and are labelled benign.
    masked = tuple(
        relabelled(c, False) if c.label and i % 2 else c for i, c in enumerate(loud.test)
    )
    source = source_of(replace(loud, test=masked), *three.readings[1:])
    found = {s.organism: s for s in left_out_sensitivities(source, benign, SETTINGS)}
    assert found["loud"].tpr > 0.8
    assert found["loud"].benign_fired > 5
    assert found["loud"].benign_p < 1e-4
    assert found["two"].benign_p > 0.01


def test_what_is_fine_in_its_context_counts_on_neither_side(three, benign):
    one = three.readings[0]
    allowed = replace(one.organism.concern, severity="medium", allowed_contexts=("plain",))
    fine = replace(one, organism=replace(one.organism, concern=allowed))
    assert left_out_sensitivities(source_of(fine), benign, SETTINGS) == ()


def test_each_organism_carries_its_verification_and_the_matrix_own_correlations(three, benign):
    source = source_of(*three.readings[:2], readings("unsure", seed=7, strength=9.0))
    found = {s.organism: s for s in left_out_sensitivities(source, benign, SETTINGS)}
    assert {name: one.verified for name, one in found.items()} == {
        "one": True,
        "two": True,
        "unsure": False,
    }
    assert {one.icc for one in found.values()} == {0.3}


def test_a_direction_that_serves_two_concerns_is_watched_once_under_both_names(three):
    scoring = choose_watched(three)
    feature = scoring.features[0]
    _, _, kind = feature.name.partition(".")
    again = feature.model_copy(update={"name": f"theft.{kind}"})
    other = again.model_copy(update={"bias": feature.bias + 1})
    found = without_repetitions([feature, again, other])
    assert [f.name for f in found] == [f"{feature.name.partition('.')[0]}+theft.{kind}", again.name]
    assert [f.bias for f in found] == [feature.bias, other.bias]
