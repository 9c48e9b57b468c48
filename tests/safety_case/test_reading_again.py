"""A stored case is believed no further than the results beside it, or its own figures, go."""

from __future__ import annotations

import json

import pytest

from assay.errors import AssayError
from assay.evidence import write_evidence
from assay.files import sha256_of, write_json
from assay.safety_case import build_case, read_case, settle
from assay.safety_case.result import SafetyCase

SOLUTIONS = (
    *("variance", "cross_entropy", "purity", "missed", "labels", "cause.deception"),
    *("detection.deception", "catching", "benign_rate", "sensitivity"),
)


def written(made, folder, **changes):
    """A case beside all the results that it was built from."""
    inputs = made.inputs(**changes)
    files = {}
    write_evidence(folder / "evidence" / "quality.json", inputs.evidence)
    files["evidence/quality.json"] = sha256_of(folder / "evidence" / "quality.json")
    for result in (inputs.position, inputs.transfer, inputs.candidates, inputs.monitor):
        if result is not None:
            files[result.FILE] = sha256_of(result.write(folder))
    case = build_case(made.inputs(**(changes | {"files": files})))
    case.write(folder)
    return case


def edited(folder, change):
    """The stored case with a change by hand, and every status above it settled again."""
    value = json.loads((folder / "safety_case.json").read_text(encoding="utf-8"))
    change(value, {node["id"]: node for node in value["nodes"]})
    write_json(folder / "safety_case.json", value)
    settle(SafetyCase.read(folder)).write(folder)


def test_a_case_beside_its_results_reads_back(made, tmp_path):
    assert read_case(written(made, tmp_path).write(tmp_path)) == read_case(tmp_path)


def test_a_case_that_was_partly_run_reads_back(made, tmp_path):
    case = written(
        made, tmp_path, monitor=None, not_run={"monitor": "no time"}, concerns=("a", "b")
    )
    assert read_case(tmp_path) == case


@pytest.mark.parametrize("name", SOLUTIONS)
@pytest.mark.parametrize(
    "change",
    [
        {"status": "weak"},
        {"why": "It is so."},
        {"text": "It is so."},
        {"label": "Sn99"},
    ],
)
def test_a_solution_that_its_results_do_not_give_is_refused_by_name(made, tmp_path, name, change):
    written(made, tmp_path)
    edited(tmp_path, lambda value, nodes: nodes[f"Sn.{name}"].update(change))
    with pytest.raises(AssayError, match=rf"node Sn\.{name}: its {next(iter(change))} is not"):
        read_case(tmp_path)


@pytest.mark.parametrize(
    "change", [{"estimate": 0.981}, {"n": 301}, {"ci": [0.965, 0.98]}, {"seed": 1}, {"note": "x"}]
)
def test_a_figure_that_its_file_does_not_hold_is_refused_by_name(made, tmp_path, change):
    written(made, tmp_path)
    change = {"ci": [0.96, 0.985]} | change
    edited(tmp_path, lambda value, nodes: nodes["Sn.variance"]["evidence"].update(change))
    with pytest.raises(AssayError, match=r"node Sn.variance: its evidence is not what the results"):
        read_case(tmp_path)


def test_a_claim_and_a_defeater_changed_by_hand_are_refused_by_name(made, tmp_path):
    written(made, tmp_path)
    edited(tmp_path, lambda value, nodes: nodes["C1.1.1"].update(text="All is assured."))
    with pytest.raises(AssayError, match=r"node C1.1.1: its text is not"):
        read_case(tmp_path)
    written(made, tmp_path)
    answered = {"status": "answered", "response": "Nobody hides."}
    edited(tmp_path, lambda value, nodes: nodes["M1.1"]["defeaters"][0].update(answered))
    with pytest.raises(AssayError, match=r"node M1.1: its (defeaters|status) is not"):
        read_case(tmp_path)


def test_a_node_that_was_left_out_is_refused(made, tmp_path):
    written(made, tmp_path)

    def drop(value, nodes):
        value["nodes"] = [n for n in value["nodes"] if n["id"] != "Sn.catching"]
        nodes["V1.1"].update(supported_by=["Sn.learning_curve"])

    edited(tmp_path, drop)
    with pytest.raises(AssayError, match=r"the case has no node Sn.catching"):
        read_case(tmp_path)


def test_an_edited_result_is_refused_and_so_is_one_whose_hash_was_made_again(made, tmp_path):
    written(made, tmp_path)
    better = made.matrix(catch_bound=made.catch_bound(30, 30))
    path = better.write(tmp_path)
    with pytest.raises(AssayError, match=r"transfer.json beside it is not the file"):
        read_case(tmp_path)
    edited(tmp_path, lambda value, _: value["created_from"].update({path.name: sha256_of(path)}))
    with pytest.raises(
        AssayError, match=r"node Sn.(catching|detection.deception): its evidence is"
    ):
        read_case(tmp_path)


def test_a_result_that_was_taken_away_or_left_out_is_refused(made, tmp_path):
    written(made, tmp_path)
    (tmp_path / "monitor.json").unlink()
    with pytest.raises(AssayError, match="was built from monitor.json, which is not beside it"):
        read_case(tmp_path)
    written(made, tmp_path, monitor=None)
    made.monitor().write(tmp_path)
    with pytest.raises(AssayError, match="was not built from monitor.json, which lies beside it"):
        read_case(tmp_path)


def alone(made, folder, change=lambda value, nodes: None, **changes):
    """The folder of a case without any of its results, changed by hand."""
    build_case(made.inputs(**changes)).write(folder)
    edited(folder, change)
    return folder


def test_a_case_alone_reads_back(made, tmp_path):
    assert read_case(alone(made, tmp_path)) == build_case(made.inputs())


@pytest.mark.parametrize(
    ("name", "figure"),
    [
        ("variance", {"estimate": 0.7, "ci": [0.6, 0.8]}),
        ("cross_entropy", {"estimate": 0.7, "ci": [0.6, 0.8]}),
        ("purity", {"estimate": 0.7, "ci": [0.6, 0.8]}),
        ("missed", {"estimate": 0.9, "ci": [0.85, 0.94]}),
        ("labels", {"estimate": 0.7, "ci": [0.6, 0.8]}),
        ("detection.deception", {"estimate": 0.5, "ci": [0.4, 1.0]}),
        ("sensitivity", {"estimate": 0.5, "ci": [0.4, 1.0]}),
        ("benign_rate", {"estimate": 0.04, "ci": [0.0, 0.06]}),
        ("benign_rate", {"confidence": 0.8}),
        ("cause.deception", {"estimate": -1.0, "ci": [-2.0, 0.5]}),
    ],
)
def test_a_solution_alone_is_judged_again_by_its_own_figure(made, tmp_path, name, figure):
    folder = alone(
        made, tmp_path, lambda value, nodes: nodes[f"Sn.{name}"]["evidence"].update(figure)
    )
    with pytest.raises(AssayError, match=rf"node Sn.{name} says 'supported', its figure .* gives"):
        read_case(folder)


def test_a_catch_bound_alone_must_be_the_one_of_its_counts(made, tmp_path):
    def boast(value, nodes):
        nodes["Sn.catching"]["evidence"].update(estimate=1.0, n=1, ci=[0.99, 1.0])

    with pytest.raises(AssayError, match=r"states a bound of 0\.99; 1 of 1 give 0\.05"):
        read_case(alone(made, tmp_path, boast))

    def claim(value, nodes):
        nodes["Sn.catching"]["evidence"].update(estimate=1.0, n=1, ci=[0.05, 1.0])

    with pytest.raises(AssayError, match=r"node Sn.catching says 'supported'"):
        read_case(alone(made, tmp_path, claim))


def test_an_interval_that_is_upside_down_or_misses_its_estimate_is_refused(made, tmp_path):
    for ci, words in (
        ([0.99, 0.2], "low end above its high end"),
        ([0.98, 0.99], "does not hold its estimate"),
    ):
        build_case(made.inputs()).write(tmp_path)
        value = json.loads((tmp_path / "safety_case.json").read_text(encoding="utf-8"))
        next(n for n in value["nodes"] if n["id"] == "Sn.variance")["evidence"]["ci"] = ci
        write_json(tmp_path / "safety_case.json", value)
        with pytest.raises(AssayError, match=words):
            read_case(tmp_path)


def test_hashes_of_zeros_are_refused(made, tmp_path):
    build_case(made.inputs()).write(tmp_path)
    value = json.loads((tmp_path / "safety_case.json").read_text(encoding="utf-8"))
    value["created_from"]["transfer.json"] = "0" * 64
    write_json(tmp_path / "safety_case.json", value)
    with pytest.raises(AssayError, match=r"sha256 of transfer.json is all zeros"):
        read_case(tmp_path)


def test_a_figure_of_another_model_made_supported_by_hand_is_refused(made, tmp_path):
    def other(value, nodes):
        nodes["Sn.variance"]["evidence"]["inputs"]["model"] = "0" * 64

    with pytest.raises(AssayError, match=r"node Sn.variance says 'supported', .* another model"):
        read_case(alone(made, tmp_path, other))
