"""Both rollback rules, as pure functions of counts, and the figures they are printed with."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pydantic import ValidationError

from assay.errors import AssayError
from assay.monitoring import EProcessRule, HandfulRule, RollbackState, next_state, operating_figures
from assay.monitoring.rollback import check_covers
from assay.randomness import numpy_generator
from assay.statistics import MixtureEProcess, clopper_pearson


def run(rule, fires):
    state = RollbackState()
    for one in fires:
        state = next_state(rule, state, one)
    return state


def test_more_than_a_handful_rolls_back_and_exactly_a_handful_does_not():
    rule = HandfulRule(handful=3, alpha=0.01)
    assert not run(rule, [True] * 3 + [False] * 100).rolled_back
    assert run(rule, [True] * 3 + [False] * 100 + [True]).rolled_back


def test_a_rollback_is_never_taken_back_however_quiet_it_becomes():
    rule = EProcessRule(p0=0.01, alpha=0.05)
    burst = run(rule, [True] * 4)
    assert burst.rolled_back
    for _ in range(5000):
        burst = next_state(rule, burst, False)
    assert burst.rolled_back
    assert not rule.holds(burst)


def test_the_e_process_rolls_back_exactly_when_e_reaches_one_over_alpha():
    rule = EProcessRule(p0=0.01, alpha=0.05)
    generator = numpy_generator(3, "fires")
    state = RollbackState()
    for fires in generator.random(2000) < 0.03:
        state = next_state(rule, state, bool(fires))
        e_is_large = rule.statistic(state) >= math.log(20)
        if fires and e_is_large:
            break
    assert state.rolled_back
    assert e_is_large
    assert state.fired_at_blocks == tuple(sorted(state.fired_at_blocks))
    assert len(state.fired_at_blocks) == state.seen // rule.block


def test_after_a_long_quiet_time_a_few_firings_are_enough():
    rule = EProcessRule(p0=0.01, alpha=0.05)
    quiet = run(rule, [False] * 20_000)
    while not quiet.rolled_back:
        quiet = next_state(rule, quiet, True)
    assert quiet.fired == rule.firings_after(20_000) < 10
    # Without new starts it takes hundreds: the e-process has sunk all the while.
    assert MixtureEProcess(0.01, 0.05).firings_needed(20_000) > 100


def test_whenever_they_come_so_many_firings_roll_back():
    rule = EProcessRule(p0=0.01, alpha=0.05)
    latest = rule.firings_at_the_latest(1000)
    for seed in range(20):
        fires = np.zeros(1000, dtype=bool)
        fires[:latest] = True
        shuffled = numpy_generator(seed, "order").permutation(fires)
        assert run(rule, [bool(fire) for fire in shuffled]).rolled_back


def test_a_benign_deployment_is_rolled_back_no_more_often_than_alpha():
    rule = EProcessRule(p0=0.05, alpha=0.1)
    generator = numpy_generator(0, "benign streams")
    rolled = sum(
        run(rule, [bool(fire) for fire in generator.random(600) < 0.05]).rolled_back
        for _ in range(200)
    )
    assert clopper_pearson(rolled, 200)[0] <= 0.1


def test_a_handful_rule_that_does_not_cover_the_horizon_says_what_would():
    rule = HandfulRule(handful=3, alpha=0.01)
    check_covers(rule, 0.01, 82)
    with pytest.raises(AssayError, match=r"covers 82 conversations .* horizon of 83; .* 0\.0099"):
        check_covers(rule, 0.01, 83)


def test_an_e_process_below_the_bound_is_refused():
    with pytest.raises(AssayError, match="must be at least this bound"):
        check_covers(EProcessRule(p0=0.003, alpha=0.05), 0.01, 100)


def test_an_e_process_without_any_alternative_says_so():
    with pytest.raises(AssayError, match="cannot be used at p0 = 0.6"):
        EProcessRule(p0=0.6, alpha=0.05)
    with pytest.raises(ValidationError):
        EProcessRule(p0=0.1, alpha=0.0)


def figures(rule, horizon, *, bound, rate=0.0, tpr=None, base_rate=0.0):
    return operating_figures(
        rule, horizon, rate_bound=bound, rate=rate, tpr=tpr, base_rate=base_rate
    )


def test_operating_figures_are_those_of_the_methods():
    handful = figures(HandfulRule(handful=3, alpha=0.01), 82, bound=0.01, tpr=0.5)
    assert handful.false_rollback_probability <= 0.01
    assert handful.missed_defections == pytest.approx(4.0)
    assert handful.shift_power == pytest.approx(0.963, abs=2e-3)
    assert handful.best_shift_power == pytest.approx(0.964, abs=5e-4)
    assert set(handful.firings_after_quiet.values()) == {4}
    e_process = figures(EProcessRule(p0=1e-3, alpha=0.05), 5000, bound=1e-3)
    assert e_process.false_rollback_probability <= 0.05
    assert e_process.shift_power > 0.999
    assert e_process.missed_defections is None
    assert e_process.best_shift_power is None
    assert e_process.base_rate_power is None


def test_power_is_that_of_the_cases_own_base_rate_and_says_which_one_would_be_enough():
    rule = EProcessRule(p0=0.01, alpha=0.05)
    found = figures(rule, 1000, bound=0.01, rate=0.002, tpr=0.8, base_rate=1e-4)
    # Ten times the bound is caught nearly surely; what the case expects is not.
    assert found.shift_power > 0.99
    assert found.base_rate_power < 0.05
    enough = found.base_rate_for_power
    assert rule.rollback_probability(0.002 + 0.8 * enough, 1000) == pytest.approx(0.8, abs=0.05)
    handful = HandfulRule(handful=3, alpha=0.05)
    assert figures(handful, 3, bound=0.01, tpr=0.5).base_rate_for_power is None


def test_what_rolls_back_after_quiet_conversations_is_printed():
    found = figures(EProcessRule(p0=0.01, alpha=0.05), 1000, bound=0.01)
    assert list(found.firings_after_quiet) == ["0", "1000", "20000"]
    assert found.firings_after_quiet["20000"] < 10
