"""How well the candidates' labels predict examples that the labeller did not see."""

from __future__ import annotations

from assay.concerns.candidates.result import Candidate, CandidateReport, LabelScore
from assay.evidence import Evidence
from assay.monitoring.result import Monitor
from assay.safety_case import criteria
from assay.safety_case.case_inputs import CaseInputs
from assay.safety_case.criteria import Judgement
from assay.safety_case.nodes import Node
from assay.safety_case.solutions import developed, undeveloped
from assay.safety_case.status import weakest


def labels_solution(inputs: CaseInputs) -> Node:
    """For S1.2: of the watched features, the label with the lowest detection score.

    Where no candidate is watched, the label of the best-ranked candidate. Detection and fuzzing are
    both judged; the worse decides. A candidate with a position warning is weak at most.
    """
    text = "What the features of concern are said to fire on is what they fire on."
    if inputs.candidates is None:
        return undeveloped("labels", text, inputs.missing("candidates"))
    scored = scored_labels(inputs.candidates, inputs.monitor)
    if not scored:
        return undeveloped("labels", text, "No label was scored on held-out examples.")
    worst, detection = min(scored, key=lambda pair: (pair[1].ci[0], pair[0].feature))
    evidence = Evidence(
        metric=f"accuracy of the label of feature {worst.feature} in detection",
        estimate=detection.estimate,
        ci=detection.ci,
        method="Clopper–Pearson over examples",
        n=detection.n,
        unit="examples",
        split="held_out",
        seed=inputs.candidates.seed,
        inputs=inputs.candidates.inputs,
        file=CandidateReport.FILE,
    )
    judgement = _judge(worst, detection)
    if len(scored) > 1:
        why = f"Worst of {len(scored)} labels. {judgement.why}"
        judgement = Judgement(judgement.status, why)
    return developed("labels", text, evidence, judgement)


def chosen(report: CandidateReport, monitor: Monitor | None) -> list[Candidate]:
    """The candidates that the monitor watches, or else the best-ranked one."""
    watched = set() if monitor is None else {feature.feature for feature in monitor.features}
    found = [candidate for candidate in report.candidates if candidate.feature in watched]
    if found or not report.candidates:
        return found
    return [min(report.candidates, key=lambda c: (c.p, -abs(c.contrast), c.feature))]


def scored_labels(
    report: CandidateReport, monitor: Monitor | None
) -> list[tuple[Candidate, LabelScore]]:
    """The chosen candidates whose label was scored by detection, each with that score."""
    return [(c, c.detection) for c in chosen(report, monitor) if c.detection is not None]


def _judge(candidate: Candidate, detection: LabelScore) -> Judgement:
    judgement = criteria.grade(detection.ci, criteria.LABEL_SCORES, "Detection")
    if candidate.fuzzing is None:
        judgement = criteria.capped(judgement, "Fuzzing was not run.")
    else:
        fuzzing = criteria.grade(candidate.fuzzing.ci, criteria.LABEL_SCORES, "Fuzzing")
        both = weakest([judgement.status, fuzzing.status])
        judgement = Judgement(both, f"{judgement.why} {fuzzing.why}")
    if candidate.position_warning is not None:
        judgement = criteria.capped(judgement, f"{candidate.position_warning.rstrip('.')}.")
    return judgement
