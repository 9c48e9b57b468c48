"""Intervals, bounds, jackknife, bootstrap and multiplicity: numpy alone, no model."""

from assay.statistics.bootstrap import cluster_bootstrap
from assay.statistics.intervals import (
    clopper_pearson,
    least_n_for_rate,
    proportion_upper_bound,
)
from assay.statistics.jackknife import deal_into_groups, jackknife_interval, jackknife_ratio
from assay.statistics.multiplicity import benjamini_hochberg

__all__ = [
    "benjamini_hochberg",
    "clopper_pearson",
    "cluster_bootstrap",
    "deal_into_groups",
    "jackknife_interval",
    "jackknife_ratio",
    "least_n_for_rate",
    "proportion_upper_bound",
]
