"""Both rollback rules, as pure functions of counts, and the figures they are printed with."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from assay.errors import AssayError
from assay.monitoring import EProcessRule, HandfulRule, RollbackState, next_state, operating_figures
from assay.monitoring.rollback import check_covers


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
    assert not rule.holds(burst.seen, burst.fired)


def test_the_e_process_rolls_back_exactly_when_e_reaches_one_over_alpha():
    rule = EProcessRule(p0=0.001, alpha=0.05)
    process = rule.process()
    needed = process.firings_needed(1000)
    assert run(rule, [False] * (1000 - needed) + [True] * needed).rolled_back
    quiet = run(rule, [False] * (1000 - needed + 1) + [True] * (needed - 1))
    assert not quiet.rolled_back
    assert rule.statistic(quiet.seen, quiet.fired) < 2.9957


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


def test_operating_figures_are_those_of_the_methods():
    handful = operating_figures(HandfulRule(handful=3, alpha=0.01), 0.01, 82, 0.5)
    assert handful.false_rollback_probability <= 0.01
    assert handful.missed_defections == pytest.approx(4.0)
    assert handful.shift_power == pytest.approx(0.963, abs=2e-3)
    assert handful.best_shift_power == pytest.approx(0.964, abs=5e-4)
    e_process = operating_figures(EProcessRule(p0=1e-4, alpha=0.05), 1e-4, 50_000, None)
    assert e_process.false_rollback_probability <= 0.05
    assert e_process.shift_power > 0.999999
    assert e_process.missed_defections is None
    assert e_process.best_shift_power is None
