"""Intervals, bounds, tests over time, jackknife, bootstrap, multiplicity: numpy, no model."""

from assay.statistics.bootstrap import cluster_bootstrap
from assay.statistics.confidence_sequence import beta_mixture_sequence
from assay.statistics.e_process import MixtureEProcess, simulate_e_process
from assay.statistics.exceedances import exceedances_allowed
from assay.statistics.extremal_index import conversation_rate, extremal_index
from assay.statistics.firing_streams import firing_times
from assay.statistics.handful import (
    conversations_covered,
    false_rollback_probability,
    largest_expected_firings,
    missed_before_rollback,
    shift_power,
    simulate_handful,
)
from assay.statistics.intervals import (
    clopper_pearson,
    least_n_for_rate,
    proportion_upper_bound,
)
from assay.statistics.jackknife import deal_into_groups, jackknife_interval, jackknife_ratio
from assay.statistics.multiplicity import benjamini_hochberg
from assay.statistics.peaks_over_threshold import TailFit, fit_tail
from assay.statistics.predictive_value import positive_predictive_value

__all__ = [
    "MixtureEProcess",
    "TailFit",
    "benjamini_hochberg",
    "beta_mixture_sequence",
    "clopper_pearson",
    "cluster_bootstrap",
    "conversation_rate",
    "conversations_covered",
    "deal_into_groups",
    "exceedances_allowed",
    "extremal_index",
    "false_rollback_probability",
    "firing_times",
    "fit_tail",
    "jackknife_interval",
    "jackknife_ratio",
    "largest_expected_firings",
    "least_n_for_rate",
    "missed_before_rollback",
    "positive_predictive_value",
    "proportion_upper_bound",
    "shift_power",
    "simulate_e_process",
    "simulate_handful",
]
