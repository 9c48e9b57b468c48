"""The e-process that starts anew with each block: its promise, its power, and its bookkeeping."""

from __future__ import annotations

import numpy as np
import pytest

from assay.randomness import numpy_generator
from assay.statistics import (
    MixtureEProcess,
    StartMixture,
    clopper_pearson,
    simulate_start_mixture,
)

EXAMPLE = StartMixture(0.0098, 0.05)


@pytest.mark.parametrize("alpha", [0.01, 0.05])
@pytest.mark.parametrize("p0", [1e-3, 1e-2, 0.3])
def test_a_benign_deployment_is_ever_rolled_back_no_more_often_than_alpha(p0, alpha):
    at = simulate_start_mixture(
        StartMixture(p0, alpha),
        p0,
        streams=4000,
        length=min(10_000, int(30 / p0)),
        generator=numpy_generator(0, f"starts/{p0}/{alpha}"),
    )
    assert clopper_pearson(int((at > 0).sum()), 4000)[0] <= alpha


def test_it_is_a_fair_bet_at_p0_before_and_after_a_start():
    process = StartMixture(0.05, 0.05, block=3)
    for seen, fired, blocks in [(0, 0, []), (2, 1, []), (7, 2, [1, 1]), (9, 4, [0, 3, 4])]:
        now = np.exp(process.log_e(seen, fired, blocks))
        after = []
        for fires in (0, 1):
            ends = [*blocks, fired + fires] if (seen + 1) % 3 == 0 else blocks
            after.append(np.exp(process.log_e(seen + 1, fired + fires, ends)))
        assert 0.95 * after[0] + 0.05 * after[1] == pytest.approx(now)
    assert process.log_e(0, 0, []) == pytest.approx(0)


def test_the_simulation_stops_where_the_counts_of_the_journal_cross():
    process, length = StartMixture(0.02, 0.05, block=50), 400
    seed = "journal"
    at = simulate_start_mixture(
        process, 0.05, streams=30, length=length, generator=numpy_generator(0, seed)
    )
    from assay.statistics import firing_times

    times = firing_times(0.05, 30, length, numpy_generator(0, seed))
    for own, first in zip(times, at, strict=True):
        fired = (own[None] <= np.arange(1, length + 1)[:, None]).sum(axis=1)
        blocks = fired[49::50].tolist()
        crossing = [
            n for n in range(1, length + 1) if process.crosses(n, int(fired[n - 1]), blocks)
        ]
        assert (crossing or [0])[0] == first
    assert (at > 0).any()
    assert (at == 0).any()


def test_a_tenfold_shift_is_caught_in_every_stream():
    found = EXAMPLE.rollback_probability(0.098, 1000, streams=2000)
    assert found.estimate == 1.0
    assert 0 < found.error < 1e-3
    rare = simulate_start_mixture(
        StartMixture(1e-4, 0.05),
        1e-3,
        streams=500,
        length=50_000,
        generator=numpy_generator(0, "rare"),
    )
    assert (rare > 0).all()
    assert 2000 < np.median(rare) < 3000


def test_a_jump_after_a_quiet_time_needs_few_firings_and_the_plain_mixture_hundreds():
    plain = MixtureEProcess(EXAMPLE.p0, EXAMPLE.alpha)
    # One conversation in ten fires from then on.
    assert [EXAMPLE.firings_needed(quiet, every=10) for quiet in (1000, 20_000)] == [6, 10]
    assert plain.firings_needed(20_000) > 200
    assert EXAMPLE.firings_needed(20_000) <= 5
    late = EXAMPLE.rollback_probability(0.1, 20_400, quiet=20_000, streams=500)
    assert late.estimate > 0.99
    with pytest.raises(ValueError, match="never rolls back"):
        EXAMPLE.firings_needed(0, every=200)


def test_the_simulated_probability_is_reproducible_and_says_its_error():
    first = EXAMPLE.rollback_probability(0.0098, 1000, streams=4000)
    assert first == EXAMPLE.rollback_probability(0.0098, 1000, streams=4000)
    assert first.error == pytest.approx(np.sqrt(0.02 * 0.98 / 4000), rel=0.2)
    assert EXAMPLE.rollback_probability(0.0, 1000) == (0.0, 0.0)


def test_counts_that_do_not_fit_their_blocks_are_refused():
    with pytest.raises(ValueError, match="firings of only 1 are given"):
        EXAMPLE.log_e(250, 3, [1])
    with pytest.raises(ValueError, match="do not fit their blocks"):
        EXAMPLE.log_e(250, 3, [1, 4])
    with pytest.raises(ValueError, match="a block holds at least 1"):
        StartMixture(0.01, 0.05, block=0)
