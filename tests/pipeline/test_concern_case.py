"""A case with concerns on a tiny model: from planted organisms to monitor and safety case."""

from __future__ import annotations

import json

import pytest

from assay.concerns.matrix import TransferMatrix
from assay.errors import AssayError
from assay.pipeline import plan_case, run_case
from tiny_case import concerns, plant_organisms


@pytest.fixture
def organisms(tmp_path, tiny_model_folder):
    return plant_organisms(tmp_path / "organisms", tiny_model_folder)


def test_a_case_ends_in_a_matrix_a_monitor_and_a_safety_case(tiny_run):
    transfer = tiny_run.transfer
    assert {cell.organism for cell in transfer.cells} == {"one", "two", "three"}
    detectors = {cell.detector for cell in transfer.cells}
    assert detectors >= {"text", "logistic_regression", "random_direction", "shuffled_labels"}
    # A twin fires under its parent's trigger without any misbehaviour: a false alarm.
    assert {twin.organism for twin in transfer.twin_cells} == {"one-decoy-twin"}
    assert {(twin.twin_of, twin.n) for twin in transfer.twin_cells} == {("one", 16)}
    for cell in transfer.cells:
        assert cell.n_positive > 0
        assert cell.n_negative > 0
        if cell.auroc_ci is not None:  # with few templates it is undetermined
            assert cell.auroc_ci[0] <= cell.auroc <= cell.auroc_ci[1]
        assert cell.tpr_ci[0] <= cell.tpr <= cell.tpr_ci[1]
        assert bool(cell.reasons) or cell.verdict in ("high", "control")
    # Each of the three was tested by detectors that never saw it.
    assert {row.held_out for row in transfer.leave_one_out} == {"one", "two", "three"}
    assert set(transfer.inputs) == {"model", "dictionary", "text", "organisms", "conversations"}
    assert 1 <= len(tiny_run.monitor.features) <= 64
    assert tiny_run.monitor.calibration.n >= 45
    assert tiny_run.monitor.inputs.items() > transfer.inputs.items()
    statuses = {n.status for n in tiny_run.safety_case.nodes if n.type != "context"}
    assert statuses <= {"supported", "weak", "open", "defeated", None}
    assert (tiny_run.folder / "report.html").stat().st_size > 10_000
    candidates = tiny_run.candidates
    assert candidates.candidates
    # A control gives no candidate, but is listed with what it elicited.
    assert "perturbed.noise" not in {c.strategy for c in candidates.candidates}
    assert "perturbed.noise" in {s.name for s in candidates.strategies}


def test_every_node_of_the_case_is_bound_to_what_its_figure_came_from(tiny_run):
    case = tiny_run.safety_case
    for node in case.nodes:
        if node.evidence is not None:
            assert node.evidence.file in case.created_from
            assert {"model", "dictionary"} <= set(node.evidence.inputs), node.id
            name = node.id.removeprefix("Sn.").split(".")[0]
            if name in ("detection", "cause", "catching", "labels", "benign_rate", "sensitivity"):
                assert "organisms" in node.evidence.inputs, node.id


def test_a_matrix_without_verdicts_is_refused_by_whoever_reads_it(tiny_run, tmp_path):
    value = json.loads((tiny_run.folder / "transfer.json").read_text())
    for lacking in ("verdict", "reasons", "beats_text"):
        cells = [{k: v for k, v in cell.items() if k != lacking} for cell in value["cells"]]
        (tmp_path / "transfer.json").write_text(json.dumps({**value, "cells": cells}))
        with pytest.raises(AssayError, match=f"cells.0.{lacking}: Field required"):
            TransferMatrix.read(tmp_path)
    organisms = [{k: v for k, v in o.items() if k != "admitted"} for o in value["organisms"]]
    (tmp_path / "transfer.json").write_text(json.dumps({**value, "organisms": organisms}))
    with pytest.raises(AssayError, match="organisms.0.admitted: Field required"):
        TransferMatrix.read(tmp_path)


def test_a_second_run_finds_every_stage_done_and_a_change_only_what_depends_on_it(
    tiny_work, case_in, capsys
):
    chosen = concerns(tiny_work / "organisms")
    run_case(case_in(tiny_work, **chosen), tiny_work / "out")
    assert "stage" not in capsys.readouterr().err
    chosen["transfer"] = {**chosen["transfer"], "test": 12}
    stages = plan_case(case_in(tiny_work, **chosen), tiny_work / "out").stages
    cached = {stage.name: stage.cached for stage in stages}
    assert cached["position"]
    assert not cached["reading-one"]
    assert not cached["transfer"]


def test_each_stage_that_is_run_says_how_long_it_took(tiny_work, tmp_path, case_in, capsys):
    import shutil

    shutil.copytree(tiny_work / "out", tmp_path / "out")
    chosen = concerns(tiny_work / "organisms", monitor={"rule": "handful", "handful": 40})
    folder, _ = run_case(
        case_in(tmp_path, **chosen), tmp_path / "out", amend="to try the other rule"
    )
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("stage")]
    again = [line.split(", ")[1].split(":")[0] for line in said]
    # A changed monitor runs the monitor, the safety case and the report again, and nothing else.
    assert again == ["monitor", "safety-case", "report"]
    assert all(line.endswith(" s") for line in said)
    # The matrix had been seen by then, and the report says so.
    page = (folder / "report.html").read_text()
    assert "The analysis was changed after the test split had been read" in page
    assert "monitor.rule was changed (e_process → handful)" in page
    assert "to try the other rule" in page
    planned = plan_case(case_in(tmp_path, **chosen), tmp_path / "out").stages
    assert all(stage.cached for stage in planned)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"strategies": ["of_policy"]}, ("of_policy", "off_policy")),
        ({"strategies": [{"prompted": {"question": 3}}]}, ("question", "questions")),
        ({"detectors": ["text", "logistic"]}, ("logistic", "logistic_regression")),
        ({"detectors": ["single_feature"]}, ("text baseline",)),
        ({"budgets": {"fpr": 0.001}}, ("2995", "benign conversations")),
    ],
)
def test_bad_settings_are_one_line(change, words, tiny_case, tmp_path, organisms):
    with pytest.raises(AssayError) as caught:
        run_case(tiny_case(**concerns(organisms, **change)), tmp_path / "out", "deployment")
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_more_concerns_than_watched_features_are_refused_before_any_work(
    tiny_case, tmp_path, organisms
):
    chosen = concerns(organisms)
    (deceit,) = chosen["concerns"]
    last = deceit["organisms"].pop()
    chosen["concerns"].append({**deceit, "name": "harm", "organisms": [last]})
    chosen["budgets"]["watched_features"] = 1
    with pytest.raises(AssayError, match="2 concerns need as many watched features"):
        plan_case(tiny_case(**chosen), tmp_path / "out")
    chosen["budgets"]["watched_features"] = 2
    assert plan_case(tiny_case(**chosen), tmp_path / "out").stages


def test_allowed_contexts_are_for_medium_concerns_and_must_be_ones_that_are_tested(
    tiny_case, tmp_path, organisms
):
    chosen = concerns(organisms)
    chosen["concerns"][0]["allowed_contexts"] = ["role-play"]
    with pytest.raises(AssayError, match="only a medium concern"):
        plan_case(tiny_case(**chosen), tmp_path / "out")
    chosen["concerns"][0]["severity"] = "medium"
    assert plan_case(tiny_case(**chosen), tmp_path / "out").stages
    chosen["concerns"][0]["allowed_contexts"] = ["roleplay"]
    with pytest.raises(AssayError, match=r"allowed context.*did you mean 'role-play'"):
        plan_case(tiny_case(**chosen), tmp_path / "out")
    # Only benign prompts are tested in a context; the trigger's own family is no such context.
    chosen["concerns"][0]["allowed_contexts"] = ["triggered"]
    with pytest.raises(AssayError, match="allowed context"):
        plan_case(tiny_case(**chosen), tmp_path / "out")
    chosen["concerns"][0]["allowed_contexts"] = ["benign", "near_miss"]
    with pytest.raises(AssayError, match="leave organism one no benign prompt"):
        plan_case(tiny_case(**chosen), tmp_path / "out")


def test_an_unknown_organism_and_a_twin_as_organism_are_refused(tiny_case, tmp_path, organisms):
    chosen = concerns(organisms)
    chosen["concerns"][0]["organisms"] = [str(organisms / "none")]
    with pytest.raises(AssayError, match="none"):
        plan_case(tiny_case(**chosen), tmp_path / "out")
    chosen["concerns"][0]["organisms"] = [str(organisms / "one-decoy-twin")]
    with pytest.raises(AssayError, match="twin of one"):
        plan_case(tiny_case(**chosen), tmp_path / "out")


def test_an_organism_of_another_base_is_refused(tiny_case, tmp_path, organisms):
    path = organisms / "two" / "organism.yaml"
    path.write_text(path.read_text() + f"base_tensors_sha256: {'a' * 64}\n")
    with pytest.raises(AssayError, match="another base"):
        run_case(tiny_case(**concerns(organisms)), tmp_path / "out")


def test_transcripts_of_another_adapter_are_refused(tiny_case, tmp_path, organisms):
    path = organisms / "two" / "transcripts.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps({**r, "adapter_sha256": "0" * 64}) + "\n" for r in rows))
    with pytest.raises(AssayError, match="not written by this adapter"):
        plan_case(tiny_case(**concerns(organisms)), tmp_path / "out")
