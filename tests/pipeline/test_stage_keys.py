"""What a stage reads decides its key: every field of a case, and every file, one by one."""

from __future__ import annotations

import shutil

import pytest

from assay.errors import AssayError
from assay.pipeline import Case
from assay.pipeline.inputs import ModelInput
from assay.pipeline.run_inputs import inputs_of
from assay.pipeline.stage import Artefacts, identity_of
from assay.pipeline.wiring import stages_of
from tiny_case import concerns, plant_organisms, tiny_settings

AFTER_TRANSFER = {"transfer", "monitor", "safety-case", "report"}
AFTER_POSITION = {"position", "candidates", "safety-case", "report"}
READINGS = {"reading-one", "reading-two", "reading-three", "reading-one-decoy-twin"}
AFTER_READINGS = READINGS | AFTER_TRANSFER | {"candidates"}
AFTER_DICTIONARY = {"dictionary", "quality"} | AFTER_POSITION | AFTER_READINGS
AFTER_STRATEGIES = {"candidates"} | AFTER_TRANSFER
AFTER_DEPLOYMENT = {"deployment", "pool"} | AFTER_READINGS
AFTER_MONITOR = {"monitor", "safety-case", "report"}
EVERYTHING = {"harvest", "elicitation", "unread", "shifts"} | AFTER_DEPLOYMENT | AFTER_DICTIONARY
TEXT = {"harvest"} | AFTER_DICTIONARY

CHANGES = {
    "name": ("else", AFTER_MONITOR),
    "seed": (2, EVERYTHING),
    "model.dtype": ("bfloat16", EVERYTHING),
    "model.fallback": ({"id": "weaker"}, AFTER_MONITOR),
    "dictionary.site": ("resid_post.2", EVERYTHING - {"deployment", "unread", "shifts"}),
    "dictionary.train.architecture": ("topk", AFTER_DICTIONARY),
    "dictionary.train.width": (72, AFTER_DICTIONARY),
    "dictionary.train.k": (5, AFTER_DICTIONARY),
    "dictionary.train.steps": (41, AFTER_DICTIONARY),
    "dictionary.train.batch_size": (64, AFTER_DICTIONARY),
    "dictionary.train.learning_rate": (0.01, AFTER_DICTIONARY),
    "dictionary.train.bandwidth": (0.03, AFTER_DICTIONARY),
    "dictionary.train.gradient_clip": (2.0, AFTER_DICTIONARY),
    "dictionary.train.tokens": (5000, TEXT),
    "audit.rows": (65, {"quality"} | AFTER_POSITION),
    "audit.length": (33, TEXT),
    "audit.held_out": (0.4, TEXT),
    "audit.quality_rows": (33, {"quality", "safety-case", "report"}),
    "audit.spliced_rows": (17, {"quality", "safety-case", "report"}),
    "audit.causal": (None, AFTER_POSITION),
    "audit.causal.contents": (41, AFTER_POSITION),
    "audit.causal.fillers": (4, AFTER_POSITION),
    "audit.causal.guarded_contents": (8, AFTER_POSITION),
    "concerns.0.name": ("lies", AFTER_STRATEGIES),
    "concerns.0.description": ("says worse", {"report"}),
    "concerns.0.severity": ("medium", {"report"} | AFTER_TRANSFER),
    "strategies": (["base"], {"elicitation"} | AFTER_STRATEGIES),
    "detectors": (["single_feature", "text"], AFTER_TRANSFER),
    "windows": (["before"], AFTER_TRANSFER),
    "deployment.base_rate": (0.5, AFTER_MONITOR),
    "deployment.horizon": (99, AFTER_MONITOR),
    "deployment.max_new_tokens": (4, {"unread", "shifts"} | AFTER_DEPLOYMENT),
    "budgets.fpr": (0.06, AFTER_TRANSFER),
    "budgets.delta": (0.2, AFTER_TRANSFER),
    "budgets.tpr_target": (0.7, AFTER_TRANSFER),
    "budgets.watched_features": (9, AFTER_TRANSFER),
    "monitor.rule": ("handful", AFTER_MONITOR),
    "monitor.handful": (4, AFTER_MONITOR),
    "monitor.alpha": (0.2, AFTER_MONITOR),
    "transfer.discover": (17, AFTER_READINGS),
    "transfer.threshold": (17, AFTER_READINGS),
    "transfer.test": (17, AFTER_READINGS),
    "transfer.pool": (121, {"unread"} | AFTER_DEPLOYMENT),
    "transfer.confirmed": (3, AFTER_READINGS),
}
"""Field of the case file → another value, and the stages whose keys it changes."""

FILES = {
    "text": TEXT,
    "benign.jsonl": AFTER_DEPLOYMENT,
    "model/model.safetensors": EVERYTHING,
    "organisms/two/transcripts.jsonl": AFTER_READINGS - {"reading-one-decoy-twin"},
    "organisms/two/prompts.jsonl": AFTER_READINGS - {"reading-one-decoy-twin"},
    "organisms/two/organism.yaml": AFTER_READINGS - {"reading-one-decoy-twin"},
    "organisms/two/adapter/adapter_config.json": AFTER_READINGS - {"reading-one-decoy-twin"},
    "organisms/one-decoy-twin/transcripts.jsonl": ({"reading-one-decoy-twin"} | AFTER_STRATEGIES),
}
"""File that is read → the stages whose keys change with one byte of it."""


@pytest.fixture
def settings(tmp_path, tiny_model_folder, text_file):
    """Settings on copies of every file, so that each can be changed."""
    shutil.copytree(tiny_model_folder, tmp_path / "model")
    shutil.copyfile(text_file, tmp_path / "text.jsonl")
    plant_organisms(tmp_path / "organisms", tmp_path / "model")
    (tmp_path / "benign.jsonl").write_text(
        '{"id": "a", "messages": [{"role": "user", "content": "x"}]}\n'
    )
    return tiny_settings(tmp_path / "model", tmp_path / "text.jsonl") | concerns(
        tmp_path / "organisms",
        deployment={
            "prompts": "benign-pool",
            "max_new_tokens": 3,
            "horizon": 100,
            "benign": [str(tmp_path / "benign.jsonl")],
        },
    )


def keys_of(settings):
    stages = stages_of(inputs_of(Case.model_validate(settings)))
    return {stage.name: stage.key for stage in stages}


def changed_stages(before, after):
    return {name for name in before | after if before.get(name) != after.get(name)}


def with_change(settings, field, value):
    *above, last = field.split(".")
    changed = Case.model_validate(settings).model_dump(mode="json")
    place = changed
    for part in above:
        place = place[int(part)] if part.isdigit() else place[part]
    place[last] = value
    return changed


def leaves(model, prefix=""):
    """Every field of the settings, down to the values."""
    for name, value in model.items():
        if isinstance(value, dict) and name != "options":
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def test_each_field_of_a_case_changes_the_keys_of_the_stages_that_depend_on_it(settings):
    before = keys_of(settings)
    assert set(before) == EVERYTHING
    for field, (value, expected) in CHANGES.items():
        after = keys_of(with_change(settings, field, value))
        assert changed_stages(before, after) == expected, field


def test_no_field_of_a_case_is_without_effect(settings):
    before = keys_of(settings)
    case = Case.model_validate(settings).model_dump(mode="json")
    skipped = {
        "text",  # tried by its file, below
        "model.id",
        "model.adapter",  # not with organisms
        "dictionary.path",
        "dictionary.train.text",
        "dictionary.train.position",  # one value only
        "deployment.prompts",
        "deployment.benign",
        "concerns",
        "transfer.twins",
        "audit.causal.largest_offset",
        "audit.causal.content_length",
        "model.fallback",
    }
    numbers = {"int": lambda x: x + 1, "float": lambda x: x * 0.9, "bool": lambda x: not x}
    tried = 0
    for field in leaves(case):
        value = case
        for part in field.split("."):
            value = value[int(part)] if part.isdigit() else value[part]
        kind = type(value).__name__
        if field in skipped or field in CHANGES or kind not in numbers:
            continue
        after = keys_of(with_change(settings, field, numbers[kind](value)))
        assert changed_stages(before, after), f"{field} is in no stage's key"
        tried += 1
    assert tried >= 6


def test_the_same_weights_in_another_arithmetic_are_another_input(monkeypatch):
    # A catalogue model's fingerprint is on record, whatever it is computed in.
    monkeypatch.setattr(ModelInput, "fingerprint", "f" * 64)
    single, half = (ModelInput("any", None, dtype) for dtype in ("float32", "bfloat16"))
    assert single.content_sha256 != half.content_sha256


def test_without_twins_their_readings_are_gone(settings):
    before = keys_of(settings)
    after = keys_of(with_change(settings, "transfer.twins", False))
    assert set(before) - set(after) == {"reading-one-decoy-twin"}


def test_one_byte_of_any_file_that_is_read_changes_the_keys_of_its_readers(settings, tmp_path):
    before = keys_of(settings)
    for name, expected in FILES.items():
        path = tmp_path / ("text.jsonl" if name == "text" else name)
        original = path.read_bytes()
        path.write_bytes(_changed_by_a_byte(path, original))
        after = keys_of(settings)
        path.write_bytes(original)
        assert changed_stages(before, after) == expected, name
    assert keys_of(settings) == before


def _changed_by_a_byte(path, original):
    """The file with one byte more or another one, still well-formed."""
    if path.suffix == ".safetensors":
        return original[:-2] + bytes([original[-2] ^ 1]) + original[-1:]
    if path.name == "transcripts.jsonl":
        return original.replace(b"good good", b"good goog", 1)
    if path.name == "prompts.jsonl":
        return original.replace(b"di aa", b"di ab", 1)
    if path.name == "organism.yaml":
        return original.replace(b"planted", b"plantee", 1)
    if path.name == "benign.jsonl":
        return original.replace(b'"x"', b'"y"', 1)
    if path.name == "text.jsonl":
        place = original.index(b'"text": "') + 9
        return original[:place] + b"q" + original[place + 1 :]
    return original + b" "


def test_with_a_ready_made_dictionary_a_change_of_text_spares_what_does_not_read_it(
    settings, tiny_run, tmp_path
):
    made = next((tiny_run.folder / "stages").glob("dictionary-*")) / "dictionary"
    settings["dictionary"] = {"site": "resid_post.1", "path": str(made)}
    before = keys_of(settings)
    text = tmp_path / "text.jsonl"
    text.write_bytes(_changed_by_a_byte(text, text.read_bytes()))
    assert changed_stages(before, keys_of(settings)) == {"quality"} | AFTER_POSITION


def test_a_stage_sees_only_the_stages_that_it_needs(settings, tmp_path):
    stages = {s.name: s for s in stages_of(inputs_of(Case.model_validate(settings)))}
    artefacts = Artefacts(tmp_path, stages["monitor"])
    with pytest.raises(AssayError, match=f"{stages['transfer'].key}/contents.json is missing"):
        artefacts.folder(stages["transfer"])
    with pytest.raises(KeyError, match="monitor does not need candidates"):
        artefacts.folder(stages["candidates"])
    with pytest.raises(TypeError, match="has no identity"):
        identity_of(object())
