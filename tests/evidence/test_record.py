"""A record of evidence is whole or refused."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from assay.errors import AssayError
from assay.evidence import Evidence, read_evidence, write_evidence


def record(**changes):
    fields = {
        "metric": "fvu",
        "estimate": 0.2,
        "ci": (0.1, 0.3),
        "method": "delete-a-group jackknife over documents",
        "n": 10,
        "unit": "documents",
        "split": "held_out",
        "seed": 0,
        "inputs": {"model": "ab" * 32},
    }
    return Evidence(**(fields | changes))


def test_records_come_back_as_they_were_written(tmp_path):
    rows = [record(), record(metric="l0", ci=None)]
    write_evidence(tmp_path / "e.json", rows)
    assert read_evidence(tmp_path / "e.json") == rows
    assert read_evidence(tmp_path / "e.json")[0].sha256 == rows[0].sha256
    assert rows[0].sha256 != rows[1].sha256


def test_nan_reversed_intervals_and_duplicates_are_refused(tmp_path):
    with pytest.raises(ValidationError):
        record(estimate=float("nan"))
    with pytest.raises(ValidationError, match="low end above its high end"):
        record(ci=(0.3, 0.1))
    with pytest.raises(AssayError, match="same metric"):
        write_evidence(tmp_path / "e.json", [record(), record()])
    (tmp_path / "bad.json").write_text('[{"metric": "x"}]')
    with pytest.raises(AssayError, match="records of evidence"):
        read_evidence(tmp_path / "bad.json")


@pytest.mark.parametrize("estimate", [0.0999, 0.301])
def test_an_interval_that_does_not_hold_its_estimate_is_refused(estimate):
    with pytest.raises(ValidationError, match="does not hold its estimate"):
        record(estimate=estimate)
    assert record(estimate=0.1).ci == record(estimate=0.3).ci == (0.1, 0.3)
