"""A case holds for the model, dictionary, organisms, text and thresholds it was built from."""

from __future__ import annotations

import pytest

from assay.safety_case import build_case, cited_metrics, recheck

OF_THE_DICTIONARY = {"Sn.variance", "Sn.cross_entropy", "Sn.purity", "Sn.missed"}
OF_THE_MATRIX = {
    "Sn.detection.deception",
    "Sn.cause.deception",
    "Sn.catching",
    "Sn.learning_curve",
    "Sn.recall",
}
OF_THE_MONITOR = {"Sn.benign_rate", "Sn.sensitivity", "Sn.detection.deception"}


def opened_by(case, name):
    """Solutions that a changed hash of that name opens."""
    after = recheck(case, {name: "f" * 64})
    return {n.id for n in after.nodes if n.type == "solution" and n.status == "open"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("model", OF_THE_DICTIONARY | OF_THE_MATRIX | OF_THE_MONITOR | {"Sn.labels"}),
        ("dictionary", OF_THE_DICTIONARY | OF_THE_MATRIX | OF_THE_MONITOR | {"Sn.labels"}),
        ("organisms", OF_THE_MATRIX | OF_THE_MONITOR | {"Sn.labels"}),
        ("conversations", OF_THE_MATRIX | OF_THE_MONITOR | {"Sn.labels"}),
        ("text", OF_THE_DICTIONARY | {"Sn.labels"}),
        ("threshold", OF_THE_MONITOR),
        ("evidence/quality.json", OF_THE_DICTIONARY),
        ("position.json", {"Sn.purity"}),
        ("transfer.json", OF_THE_MATRIX),
        ("candidates.json", {"Sn.labels"}),
        ("monitor.json", OF_THE_MONITOR | {"Sn.labels"}),
        ("something else", set()),
    ],
)
def test_a_changed_input_opens_every_figure_that_was_computed_from_it(made, name, expected):
    assert opened_by(build_case(made.inputs()), name) == expected


@pytest.mark.parametrize(
    "leaf",
    [
        "Sn.detection.deception",
        "Sn.cause.deception",
        "Sn.catching",
        "Sn.learning_curve",
        "Sn.labels",
        "Sn.benign_rate",
        "Sn.sensitivity",
    ],
)
def test_another_dictionary_opens_each_figure_of_the_concerns(made, leaf):
    after = recheck(build_case(made.inputs()), {"dictionary": "0" * 64})
    assert after.node(leaf).status == "open"
    assert "dictionary changed" in after.node(leaf).why


def test_unchanged_hashes_change_nothing(made):
    inputs = made.inputs()
    case = build_case(inputs)
    now = {**inputs.transfer.inputs, **inputs.files, "threshold": inputs.monitor.deciding_sha256}
    assert recheck(case, now) == case


def test_a_changed_threshold_opens_the_monitor_and_nothing_else(made):
    case = build_case(made.inputs())
    other = made.monitor(calibration=made.calibration(threshold=1.3))
    after = recheck(case, {"threshold": other.deciding_sha256})
    changed = {a.id for a, b in zip(case.nodes, after.nodes, strict=True) if a.status != b.status}
    # C1.1.1 rests on detection too, but is open already.
    assert changed == OF_THE_MONITOR | {"M1.1"}


def test_evidence_of_another_model_is_open(made):
    record = made.record(
        cited_metrics.WELL_SEPARATED, 0.9, (0.88, 0.92), inputs={"model": "b" * 64}
    )
    others = tuple(r for r in made.quality if r.metric != record.metric)
    case = build_case(made.inputs(evidence=(*others, record)))
    assert case.node("Sn.purity").status == "open"
    assert "model changed" in case.node("Sn.purity").why


def test_results_of_another_model_are_open(made):
    other = {**made.matrix().inputs, "model": "b" * 64}
    monitor = made.monitor()
    watched = monitor.model.model_copy(update={"fingerprint": "b" * 64})
    case = build_case(
        made.inputs(
            transfer=made.matrix(inputs=other),
            candidates=made.candidates(inputs=other),
            monitor=monitor.model_copy(update={"model": watched}),
        )
    )
    for leaf in OF_THE_MATRIX | OF_THE_MONITOR | {"Sn.labels"}:
        assert case.node(leaf).status == "open"


def test_a_monitor_and_a_matrix_of_different_models_or_organisms_support_no_detection(made):
    for name in ("model", "organisms"):
        matrix = made.matrix(inputs={**made.matrix().inputs, name: "b" * 64})
        node = build_case(made.inputs(transfer=matrix)).node("Sn.detection.deception")
        assert node.status == "open"
        assert f"monitor.json and transfer.json were not computed from the same {name}" in node.why
