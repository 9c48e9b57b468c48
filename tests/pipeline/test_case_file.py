"""A case file is understood whole or refused in one line."""

from __future__ import annotations

import pytest

from assay.errors import AssayError
from assay.pipeline.case import read_case


def refused(path, pattern):
    with pytest.raises(AssayError, match=pattern) as caught:
        read_case(path)
    assert "\n" not in str(caught.value)


def test_a_case_file_is_read_with_its_defaults(tiny_case):
    case = read_case(tiny_case())
    assert case.name == "tiny"
    assert case.dictionary.train.width == 64
    assert case.audit.held_out == 0.5


def test_a_misspelt_key_names_the_nearest_valid_one_at_any_depth(tiny_case):
    refused(tiny_case(sed=3), r"unknown key 'sed' \(did you mean 'seed'\?\)")
    refused(tiny_case(model={"idd": "x"}), r"model.*'idd' \(did you mean 'id'\?\)")
    refused(
        tiny_case(dictionary={"site": "resid_post.1", "train": {"widht": 3}}),
        r"dictionary\.train.*did you mean 'width'",
    )


def test_an_unknown_architecture_is_refused_before_anything_is_harvested(tiny_case):
    changed = {"site": "resid_post.1", "train": {"architecture": "batchtopk"}}
    refused(tiny_case(dictionary=changed), "did you mean 'batch_topk'.*jumprelu, matryoshka")


def test_impossible_values_are_refused_with_their_place(tiny_case):
    refused(tiny_case(dictionary={"site": "residual.1", "path": "x"}), "unknown site 'residual.1'")
    refused(tiny_case(dictionary={"site": "resid_post.1"}), "either 'path' or 'train'")
    refused(tiny_case(name="../escape"), "name")
    refused(tiny_case(audit={"held_out": 1.5}), r"audit\.held_out")


def test_further_sites_are_of_the_residual_stream_and_none_is_read_twice(tiny_case):
    case = read_case(tiny_case(further_sites=["resid_post.0"]))
    assert case.sites == ("resid_post.1", "resid_post.0")
    assert "several_sites" in case.detectors
    assert "several_sites" not in read_case(tiny_case()).detectors
    refused(tiny_case(further_sites=["q.0"]), "further_sites need the residual stream.*q.0")
    refused(tiny_case(further_sites=["resid_post.1"]), "resid_post.1 is read twice")
    refused(tiny_case(further_sites=["nothing.1"]), "unknown site 'nothing.1'")
    refused(tiny_case(detectors=["several_sites", "text"]), "several_sites needs further_sites")


def test_cyclic_malformed_missing_and_empty_files_are_refused(tmp_path):
    path = tmp_path / "case.yaml"
    refused(path, "does not exist")
    path.write_text("name: &a [*a]\n")
    refused(path, "refers to itself")
    path.write_text("name: [unclosed\n")
    refused(path, "line 2: not valid YAML")
    path.write_text("")
    refused(path, "holds no settings")
