"""Cases built from planted results: what is there, what is missing, and what cannot be checked."""

from __future__ import annotations

import re

import pytest

from assay.errors import AssayError
from assay.safety_case import build_case, cited_metrics

ALWAYS_UNDEVELOPED = {"M1.2", "M1.3", "V1.3", "V1.4"}
DETECTION = "Sn.detection.deception"
CAUSE = "Sn.cause.deception"


def node_of(made, name, **changes):
    return build_case(made.inputs(**changes)).node(name)


def test_good_evidence_supports_what_can_be_supported_and_no_more(made):
    case = build_case(made.inputs())
    leaves = {node.id: node.status for node in case.nodes if node.type == "solution"}
    assert set(leaves.values()) == {"supported"}
    assert len(leaves) == 12
    assert {node.id for node in case.nodes if node.undeveloped} == ALWAYS_UNDEVELOPED
    assert case.node("S1.1").status == "supported"
    assert case.node("V1.2").status == "supported"
    assert case.node("M1.1").status == "weak"  # nothing answers hiding from the monitor
    assert case.node("C1.1.1").status == case.node("C1.1").status == "open"
    assert case.node("C1.2").status == "open"


def test_all_labels_of_the_sketch_and_the_eight_defeaters_are_there(made):
    case = build_case(made.inputs())
    labels = {node.label for node in case.nodes}
    assert labels >= {"C1.1", "C1.1.1", "C1.2", "C1.2.1", "S1.1", "S1.2"}
    assert labels >= {"M1.1", "M1.2", "M1.3", "V1.1", "V1.2", "V1.3", "V1.4"}
    doubts = {d.id: d for node in case.nodes for d in node.defeaters}
    assert sorted(doubts) == [f"D{i}" for i in range(1, 9)]
    assert "3 % [2 %, 4 %] (300 documents)" in doubts["D1"].response
    assert "labelled as misbehaving: 40 for the concern with fewest" in doubts["D2"].response
    assert "90 % [88 %, 92 %]" in doubts["D3"].response
    assert doubts["D4"].status == "answered"
    assert "1 of 1 cell admitted" in doubts["D5"].response
    assert doubts["D6"].response is None
    assert "At the case's base rate of 0.1 % the rule rolls back" in doubts["D7"].response
    assert doubts["D8"].status == "open"


def test_nothing_run_leaves_everything_undeveloped_with_words_and_open(made):
    case = build_case(
        made.inputs(evidence=(), position=None, transfer=None, candidates=None, monitor=None)
    )
    for node in case.nodes:
        if node.type == "solution" or node.id in ALWAYS_UNDEVELOPED:
            assert node.undeveloped
            assert node.why
    assert {node.status for node in case.nodes} == {"open", None}
    assert all(d.status == "open" and not d.response for n in case.nodes for d in n.defeaters)


@pytest.mark.parametrize(
    ("stage", "leaf"),
    [
        ("transfer", "Sn.catching"),
        ("monitor", DETECTION),
        ("transfer", CAUSE),
        ("monitor", "Sn.benign_rate"),
        ("monitor", "Sn.sensitivity"),
        ("candidates", "Sn.labels"),
    ],
)
def test_a_stage_that_was_not_run_says_so_where_it_is_missing(made, stage, leaf):
    node = node_of(made, leaf, **{stage: None}, not_run={stage: "no time"})
    assert node.undeveloped
    assert node.why == f"The {stage} stage was not run: no time."


def test_a_case_without_concerns_shows_nothing(made):
    case = build_case(made.inputs(concerns=(), transfer=None))
    for leaf in ("Sn.detection", "Sn.cause"):
        assert case.node(leaf).undeveloped
        assert case.node(leaf).why == "The transfer stage was not run."


def test_a_single_missing_record_is_undeveloped_and_opens_its_claim(made):
    without = tuple(r for r in made.quality if r.metric != cited_metrics.CROSS_ENTROPY_RECOVERED)
    case = build_case(made.inputs(evidence=without))
    assert case.node("Sn.cross_entropy").undeveloped
    assert "wrote no record 'cross-entropy recovered'" in case.node("Sn.cross_entropy").why
    assert case.node("S1.1").status == "open"


def test_two_records_of_one_metric_are_an_error(made):
    with pytest.raises(AssayError, match="2 records of evidence are named"):
        build_case(made.inputs(evidence=(*made.quality, made.quality[0])))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ci": None}, "has no confidence interval"),
        ({"n": 0}, "has no n"),
        ({"file": None}, "does not state its file"),
        ({"inputs": {}}, "does not state the hash of its model"),
        ({"file": "elsewhere.json"}, "created_from has no hash of that file"),
    ],
)
def test_a_record_that_cannot_be_checked_is_an_error(made, changes, words):
    fields = {"ci": (0.88, 0.92)} | changes
    record = made.record(cited_metrics.VARIANCE_EXPLAINED, 0.9, **fields)
    with pytest.raises(AssayError, match=words):
        build_case(made.inputs(evidence=(record,)))


@pytest.mark.parametrize(
    "name", ["position.json", "transfer.json", "candidates.json", "monitor.json"]
)
def test_a_result_whose_file_has_no_hash_is_an_error(made, name):
    files = {path: sha for path, sha in made.inputs().files.items() if path != name}
    with pytest.raises(AssayError, match=f"cites {name}, and created_from has no hash"):
        build_case(made.inputs(files=files))


def test_no_node_is_ever_assured(made):
    for inputs in (
        made.inputs(),
        made.inputs(transfer=None),
        made.inputs(evidence=(), monitor=None),
    ):
        text = build_case(inputs).model_dump_json()
        assert not re.search(r"(?<!not )assured|certain(?!ly not)|guaranteed", text)
