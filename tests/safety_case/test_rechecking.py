"""A built case holds for the model and the thresholds that it was built from, and no others."""

from __future__ import annotations

from assay.safety_case import build_case, recheck, threshold_hash


def test_evidence_of_another_model_is_open(inputs, planted):
    record = planted["record"](
        "well-separated features", 0.9, (0.88, 0.92), inputs={"model": "b" * 64}
    )
    others = [r for r in planted["quality"] if r.metric != record.metric]
    case = build_case(inputs(evidence=[*others, record]))
    assert case.node("Sn.purity").status == "open"
    assert "model changed" in case.node("Sn.purity").why


def test_a_changed_threshold_demotes_the_monitor_and_nothing_else(inputs, planted):
    case = build_case(inputs())
    assert recheck(case, {"threshold": threshold_hash(planted["monitor"])}) == case
    planted["monitor"]["calibration"]["threshold"] = 1.3
    after = recheck(case, {"threshold": threshold_hash(planted["monitor"])})
    demoted = {a.id for a, b in zip(case.nodes, after.nodes, strict=True) if a.status != b.status}
    assert demoted == {"Sn.benign_rate", "Sn.sensitivity", "M1.1"}


def test_a_changed_model_demotes_every_solution(inputs):
    after = recheck(build_case(inputs()), {"model": "f" * 64})
    assert {node.status for node in after.nodes if node.type == "solution"} == {"open"}
