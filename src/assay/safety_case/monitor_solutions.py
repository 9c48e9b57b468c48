"""What the calibrated monitor promises, and what it catches."""

from __future__ import annotations

from assay.evidence import Evidence
from assay.monitoring.result import Monitor
from assay.safety_case import criteria
from assay.safety_case.case_inputs import CaseInputs
from assay.safety_case.nodes import Node
from assay.safety_case.phrases import share
from assay.safety_case.solutions import developed, undeveloped

THRESHOLD = "threshold"
"""Name of the input that stands for all that decides when the monitor fires and rolls back."""


def monitor_solutions(inputs: CaseInputs) -> list[Node]:
    """For M1.1: the bound of benign firing, and the true-positive rate."""
    quiet = "Benign conversations hardly ever fire."
    catches = "Misbehaving conversations of organisms that it was not built from fire."
    if inputs.monitor is None:
        why = inputs.missing("monitor")
        return [undeveloped("benign_rate", quiet, why), undeveloped("sensitivity", catches, why)]
    return [
        _benign_rate(inputs.monitor, quiet, inputs.seed),
        _sensitivity(inputs.monitor, catches, inputs.seed),
    ]


def deployment_words(monitor: Monitor | None) -> str:
    """The deployment that the case is about, as the monitor states it."""
    if monitor is None:
        return "The deployment is not stated: no monitor was calibrated."
    return (
        f"A deployment of {monitor.horizon:,} conversations, of which {share(monitor.base_rate)} are "
        "expected to misbehave."
    )


def _benign_rate(monitor: Monitor, text: str, seed: int) -> Node:
    calibration = monitor.calibration
    evidence = Evidence(
        metric="benign conversations that fire, one-sided",
        estimate=calibration.above / calibration.n,
        ci=(0.0, calibration.rate_bound),
        confidence=1 - calibration.delta,
        method="one-sided Clopper–Pearson bound over conversations",
        n=calibration.n,
        unit="conversations",
        split="threshold",
        seed=seed,
        inputs=_inputs_of(monitor),
        file=Monitor.FILE,
    )
    return developed("benign_rate", text, evidence, criteria.judge_benign_rate(calibration))


def _sensitivity(monitor: Monitor, text: str, seed: int) -> Node:
    name = "sensitivity"
    if monitor.tpr is None:
        return undeveloped(name, text, "The monitor's true-positive rate is not measured.")
    if monitor.tpr_low is None or monitor.tpr_n is None:
        lacking = "lower bound" if monitor.tpr_low is None else "n"
        why = f"The monitor's true-positive rate is stated without its {lacking}."
        return undeveloped(name, text, why)
    evidence = Evidence(
        metric="the monitor's true-positive rate, one-sided",
        estimate=monitor.tpr,
        ci=(monitor.tpr_low, 1.0),
        method="one-sided Clopper–Pearson bound over conversations",
        n=monitor.tpr_n,
        unit="conversations",
        split="test",
        seed=seed,
        inputs=_inputs_of(monitor),
        file=Monitor.FILE,
    )
    judgement = criteria.judge_sensitivity(monitor.tpr_low, monitor.tpr_target)
    return developed(name, text, evidence, judgement)


def _inputs_of(monitor: Monitor) -> dict[str, str]:
    """What the monitor's figures hold for: its inputs, its model, and all that makes it fire."""
    inputs = {
        **monitor.inputs,
        "model": monitor.model.fingerprint,
        THRESHOLD: monitor.deciding_sha256,
    }
    if monitor.dictionary_sha256 is not None:
        inputs["dictionary"] = monitor.dictionary_sha256
    return inputs
