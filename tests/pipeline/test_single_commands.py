"""The single commands, one after the other, as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from assay.cli import main

SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "position.schema.json"


@pytest.fixture
def assay(monkeypatch, capsys):
    """Run the command line in this process; returns (exit status, output, errors)."""

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["assay", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        captured = capsys.readouterr()
        return stopped.value.code, captured.out, captured.err

    return run


@pytest.fixture
def trained(assay, tiny_model_folder, text_file, tmp_path):
    """A tiny harvest and a dictionary trained on it."""
    status, _, errors = assay(
        *("harvest", tiny_model_folder, "--site", "resid_post.1", "--text", text_file),
        *("--tokens", 4096, "--length", 32, "--dtype", "float32", "--out", tmp_path / "acts"),
    )
    assert status == 0, errors
    status, _, errors = assay(
        *("train", tmp_path / "acts", "--width", 64, "--k", 4, "--steps", 30),
        *("--batch-size", 128, "--out", tmp_path / "dictionary"),
    )
    assert status == 0, errors
    return tmp_path / "dictionary"


def audit(assay, model, dictionary, text, out, *more):
    return assay(
        *("position", model, dictionary, "--text", text, "--out", out, "--dtype", "float32"),
        *("--rows", 64, "--length", 32, "--contents", 16, "--fillers", 3, *more),
    )


def test_harvest_train_and_position_end_in_valid_json_and_a_page(
    assay, trained, tiny_model_folder, text_file, tmp_path
):
    from jsonschema import validate

    out = tmp_path / "audit"
    status, output, errors = audit(assay, tiny_model_folder, trained, text_file, out)
    assert status == 0, errors
    assert "features" in output
    result = json.loads((out / "position.json").read_text())
    assert len(result["features"]) == 64
    assert result["site"] == "resid_post.1"
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    validate(result, schema)
    assert '<table id="features"' in (out / "position.html").read_text()


def test_without_the_causal_design_there_are_no_labels(
    assay, trained, tiny_model_folder, text_file, tmp_path
):
    out = tmp_path / "audit"
    status, _, errors = audit(assay, tiny_model_folder, trained, text_file, out, "--no-causal")
    assert status == 0, errors
    features = json.loads((out / "position.json").read_text())["features"]
    assert all(feature["label"] is None and feature["causal"] is None for feature in features)


def test_activations_of_ones_own_are_audited_observationally(assay, tmp_path):
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(120, 16, 3, generator=generator)
    noise[:, :, 1] = torch.linspace(0, 1, 16)
    path = tmp_path / "mine.safetensors"
    save_file({"activations": noise}, str(path))
    status, _, errors = assay("position", "--activations", path, "--out", tmp_path / "audit")
    assert status == 0, errors
    features = json.loads((tmp_path / "audit" / "position.json").read_text())["features"]
    shares = [feature["levels"]["all"]["eta2_split_half"] for feature in features]
    assert shares[1] == pytest.approx(1.0, abs=1e-6)
    assert abs(shares[0]) < 0.05
    assert all(feature["label"] is None for feature in features)


def refused(outcome, *words):
    status, _, errors = outcome
    assert status == 2
    lines = [line for line in errors.strip().splitlines() if line.startswith("assay: ")]
    assert len(lines) == 1
    for word in words:
        assert word in lines[0]


def test_bad_activations_are_refused_in_one_line(assay, tmp_path):
    path = tmp_path / "mine.safetensors"
    out = tmp_path / "audit"
    save_file({"activations": torch.full((4, 4, 2), float("nan"))}, str(path))
    refused(assay("position", "--activations", path, "--out", out), "NaN")
    save_file({"activations": torch.zeros(4, 4)}, str(path))
    refused(assay("position", "--activations", path, "--out", out), "[documents, positions,")
    path.write_bytes(path.read_bytes()[:50])
    refused(assay("position", "--activations", path, "--out", out), "truncated or damaged")
    save_file({"other": torch.zeros(4, 4, 2)}, str(path))
    refused(assay("position", "--activations", path, "--out", out), "'activations'")
    assert not out.exists()


def test_a_dictionary_of_another_width_site_or_format_is_refused(
    assay, trained, tiny_model_folder, text_file, tmp_path
):
    out = tmp_path / "audit"
    where = (assay, tiny_model_folder)
    refused(audit(*where, trained, text_file, out, "--site", "resid_post.0"), "resid_post.1")
    refused(audit(*where, trained, text_file, out, "--site", "q.1.h0"), "width")
    (trained / "sae_weights.safetensors").write_bytes(b"\x00" * 40)
    refused(audit(*where, trained, text_file, out), "sae_weights.safetensors")
    (tmp_path / "empty").mkdir()
    refused(audit(*where, tmp_path / "empty", text_file, out), "empty")
    assert not out.exists()


def test_a_text_that_is_too_short_is_refused(assay, trained, tiny_model_folder, tmp_path):
    short = tmp_path / "short.jsonl"
    short.write_text('{"text": "a few words"}\n')
    refused(
        audit(assay, tiny_model_folder, trained, short, tmp_path / "audit"), "held-out documents"
    )


def test_training_options_that_cannot_be_are_refused(assay, trained, tmp_path):
    harvest = tmp_path / "acts"
    refused(assay("train", harvest, "--architecture", "topkk", "--out", tmp_path / "x"), "topk")
    refused(assay("train", harvest, "--position", "table", "--out", tmp_path / "x"), "none")
    refused(assay("train", harvest, "--width", "64", "--out", trained), "not empty")
    refused(assay("train", tmp_path, "--out", tmp_path / "x"), "manifest.json")
