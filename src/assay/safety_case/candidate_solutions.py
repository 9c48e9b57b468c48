"""How well the candidates' labels predict examples that the labeller did not see."""

from __future__ import annotations

from typing import NamedTuple

from assay.concerns.candidates.result import Candidate, CandidateReport, LabelScore
from assay.evidence import Evidence
from assay.monitoring.result import Monitor
from assay.safety_case import criteria
from assay.safety_case.case_inputs import CaseInputs
from assay.safety_case.function_words import share_of_function_words
from assay.safety_case.grading import STRENGTH, Judgement, capped, grade, keeps, worse
from assay.safety_case.nodes import Node
from assay.safety_case.phrases import plural, share
from assay.safety_case.solutions import also_from, developed, undeveloped

NOT_WATCHED = "No candidate is watched: this is the best-ranked one, for which nothing is claimed."
"""Said where the monitor watches none of the candidates."""


class JudgedLabel(NamedTuple):
    """A candidate whose label was scored by detection, and how well it stands."""

    candidate: Candidate
    """The candidate."""
    detection: LabelScore
    """Its score by detection."""
    judgement: Judgement
    """What detection, fuzzing, the position label and the words it fires on come to."""


def labels_solution(inputs: CaseInputs) -> Node:
    """For S1.2: of the watched features, the label that stands worst.

    Where no candidate is watched, the label of the best-ranked candidate. Detection and fuzzing are
    both judged; the worse decides. A candidate that is not watched, that has a position warning, or
    that mostly fires on function words, is weak at most.
    """
    text = "What the features of concern are said to fire on is what they fire on."
    report, monitor = inputs.candidates, inputs.monitor
    if report is None:
        return undeveloped("labels", text, inputs.missing("candidates"))
    judged = judged_labels(report, monitor)
    if not judged:
        return undeveloped("labels", text, "No label was scored on held-out examples.")
    worst = judged[0]
    evidence = Evidence(
        metric=f"accuracy of the label of feature {worst.candidate.feature} in detection",
        estimate=worst.detection.estimate,
        ci=worst.detection.ci,
        method="Clopper–Pearson over examples",
        n=worst.detection.n,
        unit="examples",
        split="held_out",
        seed=report.seed,
        inputs=report.inputs,
        file=CandidateReport.FILE,
    )
    judgement = worst.judgement
    if len(judged) > 1:
        why = f"Worst of {len(judged)} labels. {judgement.why}"
        judgement = Judgement(judgement.status, why)
    unscored = len(chosen(report, monitor)) - len(judged)
    if unscored:
        judgement = capped(judgement, f"{plural(unscored, 'label')} could not be scored.")
    if not watched_candidates(report, monitor):
        judgement = capped(judgement, NOT_WATCHED)
    cited = (evidence, judgement)
    if monitor is not None:
        cited = also_from(cited, Monitor.FILE, {}, inputs.files)
    return developed("labels", text, *cited)


def watched_candidates(report: CandidateReport, monitor: Monitor | None) -> list[Candidate]:
    """The candidates that the monitor watches."""
    watched = set() if monitor is None else {feature.feature for feature in monitor.features}
    return [candidate for candidate in report.candidates if candidate.feature in watched]


def chosen(report: CandidateReport, monitor: Monitor | None) -> list[Candidate]:
    """The candidates that the monitor watches, or else the best-ranked one."""
    found = watched_candidates(report, monitor)
    if found or not report.candidates:
        return found
    return [min(report.candidates, key=lambda c: (c.p, -abs(c.contrast), c.feature))]


def judged_labels(report: CandidateReport, monitor: Monitor | None) -> list[JudgedLabel]:
    """The chosen candidates whose label was scored by detection, the worst first."""
    judged = [
        JudgedLabel(c, c.detection, _judge(c, c.detection))
        for c in chosen(report, monitor)
        if c.detection is not None
    ]
    return sorted(
        judged,
        key=lambda j: (
            STRENGTH.index(j.judgement.status),
            j.detection.ci[0],
            j.candidate.feature,
        ),
    )


def _judge(candidate: Candidate, detection: LabelScore) -> Judgement:
    judgement = grade(detection.ci, criteria.LABELS, "Detection")
    if candidate.fuzzing is None:
        judgement = capped(judgement, "Fuzzing was not run.")
    else:
        judgement = worse(judgement, grade(candidate.fuzzing.ci, criteria.LABELS, "Fuzzing"))
    if candidate.position_warning is not None:
        judgement = capped(judgement, f"{candidate.position_warning.rstrip('.')}.")
    words = share_of_function_words(candidate)
    if words is None:
        judgement = capped(judgement, "What it fires on is not shown by an example.")
    elif not keeps(criteria.FUNCTION_WORDS, words):
        peaks = f"{share(words)} of its strongest tokens are function words"
        judgement = capped(judgement, f"{peaks}, which stand for no concern.")
    return judgement
