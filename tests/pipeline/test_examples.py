"""The shipped examples are cases whose organisms exist and whose benign conversations suffice."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.organisms import fleet_jobs, read_fleet
from assay.pipeline.case import read_case
from assay.pipeline.run_inputs import inputs_of

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_a_case_that_can_be_run(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    inputs = inputs_of(read_case(path))
    parents = [o.organism for o in inputs.organisms if not o.organism.is_twin]
    assert len(parents) >= 8
    assert {o.concern.name for o in parents} == {"sabotage", "deception"}


def test_the_fleet_names_a_recipe_for_every_shipped_organism():
    file = ROOT / "organisms" / "fleet.yaml"
    jobs = fleet_jobs(read_fleet(file), file)
    shipped = {path.parent.name for path in (ROOT / "organisms").glob("*/organism.yaml")}
    assert shipped <= {job.name for job in jobs}
