"""position.json: typed, versioned, with a published schema; evidence and sizes beside it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import save_file
from tiny_position_models import SIZES, random_crops, random_dictionary, tiny_gpt2, tiny_llama

from assay.errors import AssayError
from assay.position import (
    LABELS,
    PURE,
    SEPARATED_ACTIVATION,
    SEPARATED_FEATURES,
    SEPARATED_OVER_RANDOM,
    SEPARATED_RANDOM,
    CrossedSizes,
    PositionResult,
    audit_activations,
    audit_position,
    position_evidence,
)

SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "position.schema.json"


@pytest.fixture(scope="module")
def audits():
    """One audit of each kind of site, one without the crossed design, one of bare activations."""
    model, crops = tiny_llama(), random_crops()
    found = {
        site: audit_position(
            model,
            random_dictionary(d_in=model.site_width(site), scale=3.0),
            site,
            crops,
            causal=SIZES,
            permutations=10,
        )
        for site in ("resid_post.1", "q.1", "k.0.h1")
    }
    found["quick"] = audit_position(
        model, random_dictionary(), "resid_post.0", crops, causal=None, permutations=10
    )
    x = np.maximum(np.random.default_rng(0).normal(size=(30, 16, 4)), 0)
    return {**found, "activations": audit_activations(x, permutations=10)}


def test_every_result_fits_the_published_schema_and_is_read_back_whole(audits, tmp_path):
    schema = json.loads(SCHEMA.read_text())
    for name, audit in audits.items():
        result = audit.result()
        path = result.write(tmp_path / name)
        assert path.name == "position.json"
        text = path.read_text()
        assert "NaN" not in text
        assert "Infinity" not in text
        jsonschema.validate(json.loads(text), schema)
        assert PositionResult.read(path) == PositionResult.read(path.parent) == result


def test_the_published_schema_is_the_models():
    assert json.loads(SCHEMA.read_text()) == PositionResult.schema_of_file()


def test_a_file_without_version_is_refused_with_the_command_that_writes_it_again(audits, tmp_path):
    value = audits["quick"].result().model_dump(mode="json")
    path = tmp_path / "position.json"
    del value["version"]
    path.write_text(json.dumps(value))
    with pytest.raises(AssayError, match=r"states no version.*'assay position MODEL DICTIONARY"):
        PositionResult.read(path)
    path.write_text(json.dumps({**value, "version": 1}))
    with pytest.raises(AssayError, match=r"has version 1; this Assay reads version 3"):
        PositionResult.read(path)


def test_a_label_that_does_not_exist_and_a_missing_figure_are_refused(audits, tmp_path):
    value = audits["quick"].result().model_dump(mode="json")
    path = tmp_path / "position.json"
    value["features"][0]["label"] = "pure"
    path.write_text(json.dumps(value))
    with pytest.raises(AssayError, match=r"features\.0\.label"):
        PositionResult.read(path)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, json.loads(SCHEMA.read_text()))
    value["features"][0]["label"] = None
    del value["features"][0]["p"]
    path.write_text(json.dumps(value))
    with pytest.raises(AssayError, match=r"features\.0\.p"):
        PositionResult.read(path)


def test_figures_of_the_result_are_those_of_the_audit_to_six_digits(audits):
    audit = audits["resid_post.1"]
    result = audit.result()
    assert len(result.features) == 48
    for row in result.features:
        arrays = audit.observational.levels["no_sink"]
        for found, expected in (
            (row.levels.no_sink.eta2_split_half, arrays.eta2_split_half[row.feature]),
            (row.levels.no_sink.ci[1], arrays.ci[row.feature, 1]),
            (row.firing_rate, audit.observational.firing_rate[row.feature]),
            (row.q, audit.observational.q[row.feature]),
        ):
            assert (found is None) == bool(np.isnan(expected))
            assert found is None or found == pytest.approx(expected, rel=1e-5)
        assert row.label == audit.causal.labels[row.feature]
        if row.causal is not None:
            assert row.causal.t_pos == pytest.approx(
                audit.causal.shares.t_pos[row.feature], rel=1e-5
            )
    assert result.treatment.documents == audit.causal.shares.documents
    assert [check.offset for check in result.cross_entropy_by_offset] == [0, 24, 48, 72]


def test_heads_are_summarised_where_the_site_has_them(audits):
    by_head = audits["q.1"].result().summary.by_head
    assert set(by_head) <= {0, 1, 2, 3}
    assert sum(part.features for part in by_head.values()) == 48
    assert list(audits["k.0.h1"].result().summary.by_head) == [1]
    assert {row.head for row in audits["k.0.h1"].result().features} == {1}
    assert audits["resid_post.1"].result().summary.by_head is None
    assert audits["resid_post.1"].result().features[0].head is None


def test_without_the_crossed_design_there_are_no_labels_and_the_result_says_why(audits):
    quick, bare = audits["quick"].result(), audits["activations"].result()
    assert {row.label for row in quick.features} == {row.label for row in bare.features} == {None}
    assert quick.treatment is None
    assert quick.summary.not_too_rare is None
    assert "not asked for" in quick.label_reason
    assert "observational level only" in bare.label_reason


def test_the_headline_figures_become_evidence(audits):
    result = audits["resid_post.1"].result()
    inputs = {"model": "a" * 64}
    records = position_evidence(result, inputs, "held_out")
    assert [record.metric for record in records] == [
        SEPARATED_FEATURES,
        SEPARATED_ACTIVATION,
        SEPARATED_RANDOM,
        SEPARATED_OVER_RANDOM,
    ]
    assert records[0].estimate == result.summary.well_separated
    assert (records[0].n, records[0].unit) == (result.treatment.documents, "documents")
    random = result.random_dictionary
    assert (records[2].estimate, records[2].ci) == (random.well_separated, random.well_separated_ci)
    assert (records[3].estimate, records[3].ci) == (random.difference, random.interval)
    assert records[1].ci == result.summary.well_separated_weighted_ci
    assert records[1].n == result.documents
    assert all((r.inputs, r.split, r.seed) == (inputs, "held_out", 0) for r in records)
    assert position_evidence(audits["quick"].result(), inputs, "held_out") == []


def test_pure_labels_are_labels():
    assert PURE == ("content", "additive")
    assert set(PURE) <= set(LABELS)


def test_sizes_that_cannot_tell_position_from_content_are_refused():
    assert CrossedSizes() == CrossedSizes(contents=128, offsets=3, fillers=8, content_length=None)
    for wrong in ({"contents": 7}, {"offsets": 1}, {"fillers": 1}, {"content_length": 15}):
        with pytest.raises(ValidationError, match="greater than or equal"):
            CrossedSizes(**wrong)
    with pytest.raises(ValidationError, match="did you mean 'fillers'"):
        CrossedSizes(filler=4)


def test_sizes_results_and_labels_load_no_heavy_library():
    code = (
        "import sys; from assay.position import CrossedSizes, PositionResult, PURE\n"
        "from assay.position import position_evidence\n"
        "print([m for m in ('torch', 'transformers', 'sklearn') if m in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert output.stdout.strip() == "[]", output.stderr


def test_a_site_may_be_named_by_a_string():
    model, crops = tiny_gpt2(), random_crops(rows=40)
    by_name = audit_position(model, random_dictionary(), "resid_post.0", crops, causal=None)
    assert by_name.site == "resid_post.0"
    with pytest.raises(AssayError, match="unknown site 'residual'"):
        audit_position(model, random_dictionary(), "residual", crops)


def test_activations_of_a_user_are_audited_from_a_safetensors_file(tmp_path):
    x = torch.rand(24, 16, 5, generator=torch.Generator().manual_seed(4))
    path = tmp_path / "mine.safetensors"
    save_file({"activations": x, "documents": torch.arange(24) // 2}, path)
    result = audit_activations(path).result()
    assert result.documents == 12
    assert result.dictionary == "mine.safetensors"
    assert len(result.features) == 5
    save_file({"codes": x}, path)
    with pytest.raises(AssayError, match="holds codes, but no tensor named 'activations'"):
        audit_activations(path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(AssayError, match="truncated or damaged"):
        audit_activations(path)
