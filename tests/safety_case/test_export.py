"""The file, its published schema, and the tree for the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from assay.errors import AssayError
from assay.files import write_json
from assay.safety_case import (
    build_case,
    case_tree,
    read_case,
    read_summary,
    safety_case_schema,
    write_case,
)

SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "safety_case.schema.json"


def test_the_published_schema_is_the_one_of_the_code():
    published = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert published == safety_case_schema()
    jsonschema.Draft202012Validator.check_schema(published)


def test_a_written_case_validates_and_reads_back(inputs, tmp_path):
    case = build_case(inputs())
    path = write_case(tmp_path, case)
    value = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.validate(value, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert read_case(path) == read_case(tmp_path) == case
    assert value["created_from"]["transfer.json"] == "5" * 64


def test_the_schema_refuses_a_solution_without_its_interval(inputs, tmp_path):
    value = build_case(inputs()).model_dump(mode="json")
    leaf = next(node for node in value["nodes"] if node["evidence"])
    del leaf["evidence"]["ci"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, safety_case_schema())
    write_json(tmp_path / "safety_case.json", value)
    with pytest.raises(AssayError, match=r"safety_case.json: .*ci"):
        read_case(tmp_path)


def test_a_claim_made_stronger_by_hand_is_refused(inputs, tmp_path):
    value = build_case(inputs()).model_dump(mode="json")
    value["nodes"][0]["status"] = "supported"
    write_json(tmp_path / "safety_case.json", value)
    with pytest.raises(AssayError, match=r"node C1.1 says 'supported'"):
        read_case(tmp_path)


def test_the_tree_is_the_same_for_the_same_case_and_80_columns_wide(inputs):
    tree = case_tree(build_case(inputs()))
    assert tree == case_tree(build_case(inputs()))
    assert max(len(line) for line in tree.splitlines()) <= 80
    assert "V1.4 [undeveloped]" in tree
    assert "D6 [open]" in tree
    assert "0.95 [0.86, 0.99], 60 conversations, test" in " ".join(tree.split())


def test_a_summary_is_bound_by_its_hash(tmp_path):
    (tmp_path / "transfer.json").write_text('{"cells": []}')
    summary = read_summary(tmp_path, "transfer.json", {"model": "a" * 64})
    assert summary.content == {"cells": []}
    assert len(summary.sha256) == 64
    (tmp_path / "transfer.json").write_text("[]")
    with pytest.raises(AssayError, match="holds no JSON object"):
        read_summary(tmp_path, "transfer.json", {})
