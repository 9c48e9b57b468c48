"""What holds of every safety case, whatever it was built from.

``CASES`` names the inputs to build from; the last case is the one that a whole tiny run made.
"""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from assay.safety_case import build_case, case_tree, read_case, recheck
from assay.safety_case.status import check_statuses

SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "safety_case.schema.json"
CASES = {
    "every result": lambda made: made.inputs(),
    "no result": lambda made: made.inputs(
        evidence=(), position=None, transfer=None, candidates=None, monitor=None, files={}
    ),
    "the dictionary alone": lambda made: made.inputs(transfer=None, candidates=None, monitor=None),
}


A_RUN = "a whole run of the pipeline"
"""The case that the stages themselves made, on a tiny model."""


@pytest.fixture(params=[*sorted(CASES), A_RUN])
def case(request, made):
    if request.param == A_RUN:
        return request.getfixturevalue("tiny_run").safety_case
    return build_case(CASES[request.param](made))


def solutions(case):
    return [node for node in case.nodes if node.evidence is not None]


def test_it_validates_against_the_published_schema_and_reads_back(case, tmp_path):
    path = case.write(tmp_path)
    value = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.validate(value, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert read_case(path) == read_case(tmp_path) == case


def test_every_status_follows_from_the_rules(case):
    check_statuses(case)


def test_every_figure_states_file_interval_n_method_split_and_model(case):
    for node in solutions(case):
        figure = node.evidence
        assert case.created_from[figure.file]
        assert figure.ci[0] <= figure.estimate <= figure.ci[1]
        assert figure.n >= 1
        assert figure.method
        assert figure.split
        assert figure.inputs["model"] == case.model


def test_every_changed_input_opens_all_that_was_computed_from_it_and_nothing_else(case):
    names = {name for node in solutions(case) for name in node.evidence.inputs}
    for name in names:
        after = recheck(case, {name: "f" * 64})
        for node in solutions(case):
            bound = name in node.evidence.inputs or name == node.evidence.file
            expected = "open" if bound and node.status != "defeated" else node.status
            assert after.node(node.id).status == expected


def test_a_changed_file_opens_all_that_cites_it(case):
    for name in {node.evidence.file for node in solutions(case)}:
        after = recheck(case, {name: "f" * 64})
        for node in solutions(case):
            if node.evidence.file == name:
                assert after.node(node.id).status in ("open", "defeated")
                assert f"{name} changed" in after.node(node.id).why


def test_the_tree_is_80_columns_wide_and_shows_every_node(case):
    tree = case_tree(case)
    assert max(len(line) for line in tree.splitlines()) <= 80
    for node in case.nodes:
        if node.type in ("goal", "strategy", "solution"):
            assert f"{node.label} [" in tree
