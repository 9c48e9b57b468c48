"""Intervals hold the truth about as often as they say, also for heavy-tailed and rare features."""

from __future__ import annotations

import numpy as np
import pytest

from assay.position import CrossedShares, crossed_shares, variance_explained
from assay.position.contents_needed import contents_needed
from assay.position.coverage_cases import (
    BORDER,
    LABEL,
    Regime,
    coverage_cells,
    regimes,
    simulated_intervals,
)
from assay.position.labels import SMALL
from assay.position.planted_features import PlantedFeatures
from assay.position.share_intervals import from_log_odds, log_odds

HEAVY = {
    "heavy tails": PlantedFeatures("heavy tails", spread_of_tokens=1.0),
    "very heavy tails": PlantedFeatures("very heavy tails", spread_of_tokens=1.5),
    "heavy documents": PlantedFeatures(
        "heavy documents", spread_of_documents=1.0, spread_of_tokens=0.5
    ),
    "uneven": PlantedFeatures("uneven", spread_of_tokens=1.0, uneven=1.0),
    "three fillers": PlantedFeatures("three fillers", spread_of_tokens=1.0, fillers=3),
    "sparse": PlantedFeatures(
        "sparse", active_documents=0.6, firing_rate=0.2, rows=8, spread_of_tokens=0.7
    ),
}


@pytest.mark.parametrize("kind", HEAVY)
def test_intervals_of_heavy_tailed_features_hold_the_truth_at_48_documents(kind):
    planted = HEAVY[kind].with_total_index(BORDER)
    for cell in coverage_cells([Regime(planted)], simulations=600):
        assert cell.coverage >= 0.93 - 2 * np.sqrt(0.93 * 0.07 / 600), cell


@pytest.mark.parametrize("kind", HEAVY)
def test_a_feature_just_above_the_limit_is_hardly_ever_called_content(kind):
    planted = HEAVY[kind].with_total_index(BORDER)
    assert planted.shares()["t_pos"] == pytest.approx(BORDER)
    cells = {cell.interval: cell for cell in coverage_cells([Regime(planted)], simulations=600)}
    right = cells[LABEL].coverage
    assert right >= 0.95 - 2 * np.sqrt(0.05 * 0.95 / 600)


def test_intervals_are_short_enough_to_call_most_content_features_content():
    """A feature that fires on every document with moderate tails, and hardly depends on position."""
    planted = PlantedFeatures("content", spread_of_tokens=0.7, interaction=0.005)
    ends = simulated_intervals(planted, 600, np.random.default_rng(0))
    assert np.mean(ends["t_pos"][1] < SMALL) >= 0.75


def test_only_features_just_outside_the_limit_are_cells_of_the_label():
    named = [
        PlantedFeatures("at").with_total_index(BORDER),
        PlantedFeatures("far", interaction=0.4),
    ]
    cells = coverage_cells([Regime(each) for each in named], simulations=20)
    assert [c.regime.split(", ")[2] for c in cells if c.interval.startswith("label")] == ["at"]
    assert len(cells) == 2 * 4 + 1


def test_planted_shares_are_those_of_a_large_table():
    planted = PlantedFeatures(
        "all", documents=400, position=0.3, interaction=0.2, uneven=0.5, shared=0.3
    )
    table = planted.table(np.random.default_rng(0), 80)
    found = crossed_shares(table.reshape(-1, *table.shape[2:]), np.repeat(np.arange(400), 4))
    for name, truth in planted.shares().items():
        assert getattr(found, name).mean() == pytest.approx(truth, abs=0.015)


def test_only_regimes_in_which_position_acts_by_itself_are_called_approximate():
    every = list(regimes())
    assert len(every) == 3 * 3 * 8 * 3
    assert len({regime.name for regime in every}) == len(every)
    for regime in every:
        assert regime.approximate == (regime.features.shares()["s_pos"] > 0)


def test_features_of_too_few_documents_do_not_count_in_the_simulation():
    planted = PlantedFeatures("rare", documents=24, active_documents=0.85, firing_rate=0.9)
    found = simulated_intervals(planted, 50, np.random.default_rng(0))
    assert {ends.shape for ends in found.values()} == {(2, 50)}


def observed(generator, kind):
    """[documents, 32 positions, features] heavy-tailed activations, and their true η² of position.

    Either the strength grows along the text, or a feature fires ten times less after a quarter.
    """
    t = np.linspace(-1, 1, 32)
    if kind == "heavy tails, growing strength":
        shape, spread, active, rate = (340, 32, 300), (0.0, 1.0), 1.0, np.full(32, 0.2)
        strength = 1 + t / np.sqrt(np.mean(t**2))
    else:
        shape, spread, active = (100, 32, 300), (1.0, 0.5), 0.6
        rate, strength = np.where(t < -0.5, 0.3, 0.03), np.ones(32)
    one = (shape[0], 1, shape[2])
    log = spread[0] * generator.normal(size=one) + spread[1] * generator.normal(size=shape)
    fires = (generator.random(one) < active) & (generator.random(shape) < rate[:, None])
    x = fires * np.exp(log) * strength[:, None]
    total = spread[0] ** 2 + spread[1] ** 2
    mean = active * rate * strength * np.exp(total / 2)
    square = active * rate * strength**2 * np.exp(2 * total)
    return x.astype(np.float32), mean.var() / (square.mean() - mean.mean() ** 2)


@pytest.mark.parametrize(
    "kind", ["heavy tails, growing strength", "heavy documents, first quarter"]
)
def test_observational_intervals_of_heavy_tailed_features_hold_the_truth(kind):
    held = []
    for seed in (3, 4, 5):
        x, truth = observed(np.random.default_rng(seed), kind)
        low, high = variance_explained(x, permutations=0).ci.T
        held.append((low <= truth) & (high >= truth))
    assert np.mean(held) >= 0.93


def test_the_log_odds_scale_is_undone_exactly():
    shares = np.array([-0.01, 0.0, 0.05, 0.5, 1.0, 1.01])
    np.testing.assert_allclose(from_log_odds(log_odds(shares)), shares, atol=1e-12)


def shares_of(**changed):
    numbers = {name: np.array([0.1]) for name in CrossedShares.__dataclass_fields__}
    return CrossedShares(**(numbers | {name: np.array([value]) for name, value in changed.items()}))


def test_contents_needed_grow_with_the_square_of_the_interval():
    """T_pos = .02 with its upper end at .08; at four times the contents half the distance is left."""
    high = float(from_log_odds(log_odds(0.02) + 2 * (log_odds(0.05) - log_odds(0.02))))
    common = {"s_pos": 0.0, "s_pos_low": -0.01, "s_int": 0.02, "s_int_low": 0.0}
    found = contents_needed(shares_of(t_pos=0.02, t_pos_high=high, **common), 48)
    assert found[0] == pytest.approx(4 * 48)
    on_limit = shares_of(t_pos=0.05, t_pos_high=0.1, **(common | {"s_int": 0.05}))
    assert np.isinf(contents_needed(on_limit, 48)[0])
