"""The case looks figures up under the names that the stages write."""

from __future__ import annotations

import pytest

from assay.pipeline import names
from assay.safety_case import cited_metrics


@pytest.mark.parametrize(
    "metric", ["VARIANCE_EXPLAINED", "CROSS_ENTROPY_RECOVERED", "DEAD", "WELL_SEPARATED"]
)
def test_a_metric_has_one_name_where_it_is_written_and_where_it_is_read(metric):
    assert getattr(cited_metrics, metric) == getattr(names, metric)
