"""Planted truths of what monitors rest on: known tables, and error rates by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from assay.randomness import numpy_generator
from assay.statistics import (
    MixtureEProcess,
    beta_mixture_sequence,
    clopper_pearson,
    conversations_covered,
    exceedances_allowed,
    false_rollback_probability,
    firing_times,
    largest_expected_firings,
    least_n_for_rate,
    missed_before_rollback,
    positive_predictive_value,
    proportion_upper_bound,
    shift_power,
    simulate_e_process,
    simulate_handful,
)

STREAMS = 4000


def rate_is_at_most(rolled_back, delta):
    """The project's rule: a simulated rate passes when its Clopper–Pearson lower bound ≤ δ."""
    return clopper_pearson(int((rolled_back > 0).sum()), len(rolled_back))[0] <= delta


@pytest.mark.parametrize(("handful", "largest"), [(0, 0.0101), (3, 0.82), (5, 1.79)])
def test_the_handful_rule_allows_the_expected_firings_of_the_known_table(handful, largest):
    found = largest_expected_firings(handful, 0.01)
    assert found == pytest.approx(largest, rel=5e-3)
    assert false_rollback_probability(handful, found) == pytest.approx(0.01)


@pytest.mark.parametrize(("handful", "power"), [(0, 0.096), (3, 0.964), (5, 0.9996)])
def test_the_handful_rule_catches_a_tenfold_shift_as_often_as_printed(handful, power):
    assert shift_power(handful, 0.01) == pytest.approx(power, abs=5e-4)


def test_a_handful_of_three_at_one_percent_covers_82_conversations():
    assert conversations_covered(3, 0.01, 0.01) == 82


def test_missed_defections_are_as_many_as_a_simulation_misses():
    tpr, handful = 0.3, 3
    caught = numpy_generator(0, "defections").random((20_000, 200)) < tpr
    until = (caught.cumsum(axis=1) > handful).argmax(axis=1)
    missed = until - handful
    expected = missed_before_rollback(handful + 1, tpr)
    assert expected == pytest.approx(4 * 0.7 / 0.3)
    assert missed.mean() == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("delta", [0.01, 0.05])
@pytest.mark.parametrize("handful", [0, 3, 5])
def test_the_handful_rule_rolls_a_benign_deployment_back_no_more_often_than_promised(
    delta, handful
):
    rate = 1e-3
    length = conversations_covered(handful, rate, delta)
    generator = numpy_generator(0, f"handful/{delta}/{handful}")
    assert rate_is_at_most(
        simulate_handful(handful, rate, streams=STREAMS, length=length, generator=generator), delta
    )
    beyond = simulate_handful(
        handful, rate, streams=STREAMS, length=3 * length, generator=generator
    )
    assert not rate_is_at_most(beyond, delta)


@pytest.mark.parametrize("delta", [0.01, 0.05])
@pytest.mark.parametrize("p0", [1e-4, 1e-2, 0.3])
def test_the_e_process_ever_rolls_a_benign_deployment_back_no_more_often_than_alpha(delta, p0):
    process = MixtureEProcess(p0, delta)
    generator = numpy_generator(0, f"null/{delta}/{p0}")
    length = min(50_000, int(30 / p0))
    assert rate_is_at_most(
        simulate_e_process(process, p0, streams=STREAMS, length=length, generator=generator), delta
    )


def test_the_e_process_catches_a_tenfold_shift_in_every_stream_of_50_000_conversations():
    process = MixtureEProcess(1e-4, 0.05)
    at = simulate_e_process(
        process, 1e-3, streams=2000, length=50_000, generator=numpy_generator(0, "shift")
    )
    assert (at > 0).all()
    assert 2200 < np.median(at) < 2600


def test_an_e_process_at_the_estimate_instead_of_the_bound_breaks_its_promise():
    # 3 of 1 000 benign firings were seen where the truth is .006: the bound covers it.
    estimate, bound, truth = 0.003, proportion_upper_bound(3, 1000), 0.006
    assert bound > truth
    generator = numpy_generator(0, "estimate")
    naive = simulate_e_process(
        MixtureEProcess(estimate, 0.05), truth, streams=2000, length=5000, generator=generator
    )
    sound = simulate_e_process(
        MixtureEProcess(bound, 0.05), truth, streams=2000, length=5000, generator=generator
    )
    assert not rate_is_at_most(naive, 0.05)
    assert rate_is_at_most(sound, 0.05)


def test_exact_rollback_probabilities_agree_with_simulation():
    for p0, alpha, rate, horizon in [(1e-4, 0.01, 1e-4, 20_000), (0.01, 0.05, 0.02, 1000)]:
        process = MixtureEProcess(p0, alpha)
        exact = process.rollback_probability(rate, horizon)
        at = simulate_e_process(
            process, rate, streams=40_000, length=horizon, generator=numpy_generator(0, "exact")
        )
        low, high = clopper_pearson(int((at > 0).sum()), len(at), 0.999)
        assert low <= exact <= high


def test_the_e_process_is_a_fair_bet_at_p0_and_a_losing_one_below():
    process = MixtureEProcess(0.05, 0.05)
    log_e = process.log_e(np.array([1, 1]), np.array([0, 1]))
    for rate, fair in [(0.05, True), (0.04, False)]:
        mean = float((np.array([1 - rate, rate]) * np.exp(log_e)).sum())
        assert mean == pytest.approx(1) if fair else mean < 1


def test_ratios_whose_alternative_is_no_rate_are_dropped_and_the_rest_weigh_alike():
    assert MixtureEProcess(0.05, 0.05).usable_ratios == (2.0, 5.0, 10.0)
    with pytest.raises(ValueError, match="no alternative"):
        MixtureEProcess(0.5, 0.05)
    e = np.exp(MixtureEProcess(0.05, 0.05).log_e(1, 1))
    assert e == pytest.approx((2 + 5 + 10) / 3)


def test_evidence_survives_streams_whose_likelihood_is_no_float():
    process = MixtureEProcess(1e-4, 0.05)
    assert np.isfinite(process.log_e(10**7, 10**6))
    assert np.isfinite(process.log_e(10**9, 0))


def test_firings_needed_and_latest_crossing_are_two_views_of_one_boundary():
    process = MixtureEProcess(1e-3, 0.05)
    for seen in (50, 500, 5000):
        needed = process.firings_needed(seen)
        assert process.latest_crossing(needed) >= seen > process.latest_crossing(needed - 1)


def test_firing_streams_fire_at_their_rate():
    times = firing_times(0.02, 500, 1000, numpy_generator(0, "times"))
    assert (times <= 1000).sum() / 500_000 == pytest.approx(0.02, rel=0.05)
    assert (times[:, -1] > 1000).all()
    assert (np.diff(times, axis=1) > 0).all()


def test_exceedances_allowed_are_the_most_that_the_clopper_pearson_bound_allows():
    for n in (299, 500, 2995, 10_000):
        for rate in (0.01, 0.001):
            allowed = exceedances_allowed(n, rate, 0.05)
            if allowed is None:
                assert n < least_n_for_rate(rate, 0.05)
            else:
                assert proportion_upper_bound(allowed, n) <= rate
                assert proportion_upper_bound(allowed + 1, n) > rate
    assert exceedances_allowed(298, 0.01, 0.05) is None
    assert exceedances_allowed(299, 0.01, 0.05) == 0


def test_the_confidence_sequence_covers_a_rate_at_every_look_of_a_stream():
    truth, looks = 0.03, np.unique(np.geomspace(1, 20_000, 300).astype(int))
    streams = numpy_generator(0, "sequence").random((500, 20_000)) < truth
    fired = streams.cumsum(axis=1)[:, looks - 1]
    low, high = beta_mixture_sequence(fired, np.broadcast_to(looks, fired.shape), 0.05)
    left = ((low > truth) | (high < truth)).any(axis=1)
    assert clopper_pearson(int(left.sum()), 500)[0] <= 0.05
    fixed = np.abs(fired / looks - truth) > 1.96 * np.sqrt(truth * (1 - truth) / looks)
    assert clopper_pearson(int(fixed[:, -150:].any(axis=1).sum()), 500)[0] > 0.05
    assert np.all(high[:, -1] - low[:, -1] < 0.02)


def test_the_confidence_sequence_knows_nothing_without_data_and_refuses_impossible_counts():
    low, high = beta_mixture_sequence(0, 0)
    assert (float(low), float(high)) == (0.0, 1.0)
    with pytest.raises(ValueError, match="impossible"):
        beta_mixture_sequence(3, 2)


def test_the_predictive_value_is_bayes_rule():
    assert positive_predictive_value(0.9, 0.01, 0.001) == pytest.approx(0.0009 / 0.01089)
    assert positive_predictive_value(0.9, 0.0, 0.0) == 0.0
    with pytest.raises(ValueError, match="base_rate"):
        positive_predictive_value(0.9, 0.01, 1.2)
