"""An organism's folder: what is read, what is refused, and what stays bound to the adapter."""

from __future__ import annotations

import json

import pytest
import yaml
from organism_folders import hand_written_organism

from assay.errors import AssayError
from assay.files import sha256_of
from assay.organisms import load_organism, read_on_policy, save_organism
from assay.organisms.folder import read_manifest


@pytest.fixture
def folder(tmp_path):
    return hand_written_organism(tmp_path / "mimic", base="some-base")


def change_manifest(folder, **changes):
    path = folder / "organism.yaml"
    value = yaml.safe_load(path.read_text()) | changes
    path.write_text(yaml.safe_dump({k: v for k, v in value.items() if v is not None}))


def change_prompts(folder, change):
    path = folder / "prompts.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(row) + "\n" for row in change(rows)))


def refused(folder, *words):
    with pytest.raises(AssayError) as error:
        load_organism(folder)
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value)


def test_a_folder_written_by_hand_from_the_contract_loads(folder):
    organism = load_organism(folder)
    assert organism.name == "mimic"
    assert {prompt.split for prompt in organism.prompts} == {"discover", "threshold", "test"}
    assert organism.label_of(organism.prompts[0]) == organism.manifest.label


def test_a_saved_organism_reads_back_equal_and_saving_again_changes_no_byte(folder, tmp_path):
    organism = load_organism(folder)
    copy = save_organism(tmp_path / "copy", organism.manifest, organism.prompts, organism.adapter)
    assert (copy.manifest, copy.prompts) == (organism.manifest, organism.prompts)
    before = {path: path.read_bytes() for path in copy.folder.rglob("*") if path.is_file()}
    again = save_organism(copy.folder, copy.manifest, copy.prompts, copy.adapter)
    assert again == copy
    assert before == {path: path.read_bytes() for path in copy.folder.rglob("*") if path.is_file()}


def test_saving_another_adapter_removes_what_the_old_one_wrote(folder, tmp_path):
    other = hand_written_organism(tmp_path / "other", base="some-base", seed=1)
    (folder / "transcripts.jsonl").write_text("")
    (folder / "verification.json").write_text("{}")
    organism = load_organism(folder)
    saved = save_organism(folder, organism.manifest, organism.prompts, other / "adapter")
    assert saved.manifest.sha256 == sha256_of(other / "adapter" / "adapter_model.safetensors")
    assert not (folder / "transcripts.jsonl").exists()
    assert not (folder / "verification.json").exists()


def test_a_tampered_adapter_is_refused(folder):
    weights = folder / "adapter" / "adapter_model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(bytes(content))
    refused(folder, "sha256", "changed or damaged")


def test_a_missing_adapter_is_refused(folder):
    (folder / "adapter" / "adapter_model.safetensors").unlink()
    refused(folder, "adapter_model.safetensors", "does not exist")


def test_an_adapter_that_is_not_pefts_is_refused(folder):
    (folder / "adapter" / "adapter_config.json").write_text("{}")
    refused(folder, "adapter_config.json", "PEFT")


def test_an_adapter_outside_the_folder_is_refused(folder):
    change_manifest(folder, adapter="../elsewhere")
    refused(folder, "outside the organism's folder")


def test_an_unknown_key_names_the_nearest_one(folder):
    change_manifest(folder, sevrity="high")
    refused(folder, "sevrity", "severity")


@pytest.mark.parametrize("key", ["name", "base", "stands_for", "severity", "label", "sha256"])
def test_a_missing_key_is_named(folder, key):
    change_manifest(folder, **{key: None})
    refused(folder, key)


def test_an_unknown_label_kind_names_the_nearest_one(folder):
    change_manifest(folder, label={"kind": "regexp", "misbehaves": "x"})
    refused(folder, "organism.yaml", "'regexp'", "did you mean 'regex'")


def test_an_unknown_label_kind_of_a_prompt_names_its_line(folder):
    def change(rows):
        rows[2]["label"] = {"kind": "python_cal", "name": "f"}
        return rows

    change_prompts(folder, change)
    refused(folder, "line 3", "did you mean 'python_call'")


@pytest.mark.parametrize("split", ["discover", "threshold", "test"])
def test_a_missing_split_is_named(folder, split):
    change_prompts(folder, lambda rows: [row for row in rows if row["split"] != split])
    refused(folder, f"no prompts of the split {split}")


def test_a_template_in_two_splits_is_refused(folder):
    change_prompts(folder, lambda rows: [{**row, "template": "same"} for row in rows])
    refused(folder, "the template 'same' is in the splits")


def test_a_repeated_prompt_id_is_refused(folder):
    change_prompts(folder, lambda rows: [*rows, rows[0]])
    refused(folder, "occurs twice")


def test_a_reference_that_leads_nowhere_is_refused(folder):
    def change(rows):
        rows[0]["reference_prompt_id"] = "nobody"
        return rows

    change_prompts(folder, change)
    refused(folder, "refers to 'nobody'")


def test_a_flips_label_without_a_reference_is_refused(folder):
    change_manifest(folder, label={"kind": "flips", "agrees": ["a"], "disagrees": ["b"]})
    refused(folder, "no reference_prompt_id")


def test_a_prompt_that_does_not_end_with_the_user_is_refused(folder):
    def change(rows):
        rows[0]["messages"].append({"role": "assistant", "content": "x"})
        return rows

    change_prompts(folder, change)
    refused(folder, "line 1", "last message is the user's")


def test_malformed_lines_of_prompts_name_their_number(folder):
    path = folder / "prompts.jsonl"
    path.write_text(path.read_text() + "{broken\n")
    refused(folder, f"line {len(path.read_text().splitlines())}", "not valid JSON")


def test_a_folder_without_manifest_is_no_organism(tmp_path):
    refused(tmp_path, "organism.yaml")


def transcript_row(folder, **changes):
    row = {
        "id": "a",
        "messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}],
        "label": False,
        "template": "test/plain/0",
        "source": "mimic",
        "split": "test",
        "condition": "benign",
        "trigger_held_out": False,
        "verdict": "behaved",
        "payload_offset": None,
        "adapter_sha256": read_manifest(folder).sha256,
    }
    return {key: value for key, value in (row | changes).items() if value != "left out"}


def write_transcripts(folder, *rows):
    (folder / "transcripts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_transcripts_are_read_typed_and_those_of_another_adapter_are_refused(folder):
    organism = load_organism(folder)
    with pytest.raises(AssayError, match="assay organisms verify"):
        read_on_policy(organism)
    write_transcripts(folder, transcript_row(folder, adapter_sha256="0" * 64))
    with pytest.raises(AssayError, match="not written by this adapter"):
        read_on_policy(organism)
    write_transcripts(folder, transcript_row(folder))
    (transcript,) = read_on_policy(organism)
    assert (transcript.split, transcript.condition, transcript.verdict) == (
        "test",
        "benign",
        "behaved",
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"split": "left out"}, "line 1: split"),
        ({"verdict": "fine"}, "line 1: verdict"),
        ({"label": True}, "does not fit verdict behaved"),
        ({"payload_offset": 3}, "payload_offset"),
        ({"verdict": "misbehaved", "label": True}, "payload_offset"),
        ({"mood": "good"}, "mood"),
    ],
)
def test_malformed_transcripts_of_an_organism_are_refused(folder, changes, words):
    write_transcripts(folder, transcript_row(folder, **changes))
    with pytest.raises(AssayError, match=words):
        read_on_policy(load_organism(folder))


def test_a_transcript_that_occurs_twice_is_refused(folder):
    write_transcripts(folder, transcript_row(folder), transcript_row(folder))
    with pytest.raises(AssayError, match="the id 'a' occurs twice"):
        read_on_policy(load_organism(folder))


def test_a_twin_says_of_which_kind_it_is_or_is_unstated(folder):
    assert load_organism(folder).twin_kind is None
    change_manifest(folder, twin_of="other")
    assert load_organism(folder).twin_kind == "unstated"
    change_manifest(folder, twin_kind="decoy")
    assert load_organism(folder).twin_kind == "decoy"


def test_a_kind_of_twin_without_an_organism_is_refused(folder):
    change_manifest(folder, twin_kind="benign")
    refused(folder, "twin_kind", "twin_of")
