"""The analysis is locked before the test split is read: who changes it afterwards says why."""

from __future__ import annotations

import json

import pytest

from assay.errors import AssayError
from assay.pipeline import Case, CaseLock
from assay.pipeline.analysis_lock import NEW_CODE, locked
from assay.pipeline.run_facts import CaseFacts
from assay.pipeline.run_inputs import inputs_of
from assay.pipeline.stages.monitor_stage import MonitorStage
from assay.pipeline.wiring import stages_of
from tiny_case import concerns, plant_organisms, tiny_settings


@pytest.fixture
def settings(tmp_path, tiny_model_folder, text_file):
    organisms = plant_organisms(tmp_path / "organisms", tiny_model_folder)
    return tiny_settings(tiny_model_folder, text_file) | concerns(organisms)


@pytest.fixture
def lock(tmp_path):
    """A function that locks settings as a run would, and writes the lock."""

    def write(settings, amend=None):
        case = Case.model_validate(settings)
        inputs = inputs_of(case)
        made, stages = locked(tmp_path, case, lambda h: stages_of(inputs, h), amend)
        made.write(tmp_path)
        return made, {stage.name: stage for stage in stages}

    return write


@pytest.fixture
def test_was_read(tmp_path, lock, settings):
    """The case was locked, and its transfer matrix made."""
    first, _ = lock(settings)
    (tmp_path / "stages" / first.stages["transfer"].folder).mkdir(parents=True)
    return first


def test_the_lock_holds_settings_code_and_every_stage_and_finds_its_own_edits(
    tmp_path, lock, settings
):
    made, stages = lock(settings)
    assert made.case == Case.model_validate(settings)
    assert made.folders == {name: stage.key for name, stage in stages.items()}
    assert CaseLock.read(tmp_path) == made
    value = json.loads((tmp_path / CaseLock.FILE).read_text())
    value["case"]["budgets"]["fpr"] = 0.06
    (tmp_path / CaseLock.FILE).write_text(json.dumps(value))
    with pytest.raises(AssayError, match="was edited"):
        CaseLock.read(tmp_path)


def test_before_the_test_split_was_read_everything_may_be_changed(lock, settings):
    lock(settings)
    made, _ = lock(settings | {"budgets": {"fpr": 0.04, "delta": 0.2}})
    assert made.history == ()


@pytest.mark.usefixtures("test_was_read")
def test_afterwards_a_changed_setting_of_what_reads_it_is_refused_in_one_line(
    tmp_path, lock, settings
):
    before = (tmp_path / CaseLock.FILE).read_bytes()
    with pytest.raises(AssayError, match=r"budgets\.fpr was changed \(0.1 → 0.06\).*--amend") as e:
        lock(settings | {"budgets": {"fpr": 0.06, "delta": 0.1}})
    assert "\n" not in str(e.value)
    # The monitor had not run yet, but its settings would be chosen in view of the matrix.
    with pytest.raises(AssayError, match=r"monitor\.handful"):
        lock(settings | {"monitor": {"rule": "handful", "handful": 40}})
    assert (tmp_path / CaseLock.FILE).read_bytes() == before


@pytest.mark.usefixtures("test_was_read")
def test_the_same_run_again_and_settings_that_the_test_split_does_not_meet_ask_for_nothing(
    lock, settings
):
    assert lock(settings)[0].history == ()
    settings["audit"]["rows"] = 80
    settings["concerns"][0]["description"] = "says worse things"
    assert lock(settings)[0].history == ()


@pytest.mark.usefixtures("test_was_read")
def test_a_changed_file_of_an_organism_is_a_change_of_the_analysis(tmp_path, lock, settings):
    path = tmp_path / "organisms" / "two" / "prompts.jsonl"
    path.write_text(path.read_text().replace("di aa", "di ab", 1))
    with pytest.raises(AssayError, match="a file or model that is read by transfer and monitor"):
        lock(settings)


@pytest.mark.usefixtures("test_was_read")
def test_with_a_reason_the_change_goes_into_the_lock_and_onto_the_report(tmp_path, lock, settings):
    other = settings | {"budgets": {"fpr": 0.06, "delta": 0.1}}
    made, stages = lock(other, "the pool had been read wrongly")
    (amendment,) = made.history
    assert amendment.why == "the pool had been read wrongly"
    assert amendment.changed == ("budgets.fpr was changed (0.1 → 0.06)",)
    facts = stages["report"].facts
    assert facts == CaseFacts.of(made.case, made.history)
    # The same command goes on after an interruption, with or without the reason.
    again, _ = lock(other, "the pool had been read wrongly")
    assert again == lock(other)[0] == made
    # And it is not forgotten by going back.
    with pytest.raises(AssayError, match="--amend"):
        lock(settings)
    back, _ = lock(settings, "it had been right")
    assert [a.why for a in back.history] == ["the pool had been read wrongly", "it had been right"]


@pytest.mark.usefixtures("test_was_read")
def test_an_upgrade_of_assay_is_recorded_without_a_question(lock, settings, monkeypatch):
    monkeypatch.setattr(MonitorStage, "VERSION", MonitorStage.VERSION + 1)
    monkeypatch.setattr("assay.pipeline.analysis_lock.code_version", lambda: "9.9 (ffff)")
    monkeypatch.setattr("assay.pipeline.case_lock.code_version", lambda: "9.9 (ffff)")
    made, _ = lock(settings)
    (amendment,) = made.history
    assert amendment.why == NEW_CODE
    assert "→ 9.9 (ffff)" in amendment.changed[0]


@pytest.mark.usefixtures("test_was_read")
def test_without_its_lock_a_run_that_had_read_the_test_split_does_not_begin_anew(
    tmp_path, lock, settings
):
    (tmp_path / CaseLock.FILE).unlink()
    with pytest.raises(AssayError, match="was replaced or removed"):
        lock(settings)
