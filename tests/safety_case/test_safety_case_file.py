"""The file, its published schema, and what is refused when it is read; the tree for the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from assay.errors import AssayError
from assay.files import write_json
from assay.safety_case import SafetyCase, build_case, case_tree, read_case

SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "safety_case.schema.json"


def changed_case(made, tmp_path, change):
    """Write the planted case with its first solution changed by hand; return the folder."""
    value = build_case(made.inputs()).model_dump(mode="json")
    change(value, next(node for node in value["nodes"] if node["evidence"]))
    write_json(tmp_path / "safety_case.json", value)
    return tmp_path


def test_the_published_schema_is_the_one_of_the_code():
    published = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert published == SafetyCase.schema_of_file()
    jsonschema.Draft202012Validator.check_schema(published)


def test_a_written_case_states_its_files_and_the_hashes_of_each_figures_inputs(made, tmp_path):
    value = json.loads(build_case(made.inputs()).write(tmp_path).read_text(encoding="utf-8"))
    assert value["version"] == 3
    assert value["created_from"]["transfer.json"] == "2" * 64
    figure = next(n for n in value["nodes"] if n["id"] == "Sn.catching")["evidence"]
    assert figure["file"] == "transfer.json"
    assert figure["inputs"] == made.matrix().inputs


@pytest.mark.parametrize("missing", ["ci", "n", "inputs", "method", "seed", "split"])
def test_a_solution_without_part_of_its_figure_is_refused(made, tmp_path, missing):
    folder = changed_case(made, tmp_path, lambda value, leaf: leaf["evidence"].pop(missing))
    value = json.loads((folder / "safety_case.json").read_text(encoding="utf-8"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, SafetyCase.schema_of_file())
    with pytest.raises(AssayError, match=rf"safety_case.json: .*{missing}"):
        read_case(folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ci": None}, "has no confidence interval"),
        ({"ci": [0.99, 0.2]}, "low end above its high end"),
        ({"n": 0}, "has no n"),
        ({"file": None}, "does not state its file"),
        ({"file": "elsewhere.json"}, "created_from has no hash of that file"),
        ({"inputs": {}}, "does not state the hash of its model"),
        ({"estimate": "0.9"}, "valid number"),
    ],
)
def test_a_figure_that_was_made_worse_by_hand_is_refused(made, tmp_path, change, words):
    folder = changed_case(made, tmp_path, lambda value, leaf: leaf["evidence"].update(change))
    with pytest.raises(AssayError, match=rf"safety_case.json: .*{words}"):
        read_case(folder)


def test_a_file_hash_that_is_none_is_refused(made, tmp_path):
    folder = changed_case(
        made, tmp_path, lambda value, leaf: value["created_from"].update({"transfer.json": "?"})
    )
    with pytest.raises(AssayError, match=r"created_from\.transfer\.json"):
        read_case(folder)


def test_a_claim_made_stronger_by_hand_is_refused(made, tmp_path):
    folder = changed_case(
        made, tmp_path, lambda value, leaf: value["nodes"][0].update(status="supported")
    )
    with pytest.raises(AssayError, match=r"node C1.1 says 'supported'"):
        read_case(folder)


def test_a_case_of_the_first_version_is_refused_with_the_command_that_writes_it_again(
    made, tmp_path
):
    folder = changed_case(made, tmp_path, lambda value, leaf: value.update(version=1))
    with pytest.raises(AssayError, match="has version 1; .* 'assay run CASE.yaml'"):
        read_case(folder)


def test_the_tree_is_the_same_for_the_same_case_and_shows_each_figure(made):
    tree = case_tree(build_case(made.inputs()))
    assert tree == case_tree(build_case(made.inputs()))
    assert "V1.4 [undeveloped]" in tree
    assert "D6 [open]" in tree
    words = " ".join(tree.split())
    assert "0.95 [0.876, 0.986], 60 conversations, test; monitor.json 4444444444" in words
