"""Build the safety case: the sketch, the evidence under it, and the status that follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.safety_case.candidate_solutions import labels_solution
from assay.safety_case.case_inputs import CaseInputs
from assay.safety_case.catching_solutions import catching_solution, learning_curve_solution
from assay.safety_case.cause_solutions import cause_solutions
from assay.safety_case.detection_solutions import detection_solutions
from assay.safety_case.dictionary_solutions import learning_solutions, missed_solution
from assay.safety_case.monitor_solutions import deployment_words, monitor_solutions
from assay.safety_case.nodes import Node
from assay.safety_case.phrases import catch_sentence, early_sentence, reader_sentence
from assay.safety_case.recall_solutions import recall_solution
from assay.safety_case.responses import responded
from assay.safety_case.result import SafetyCase
from assay.safety_case.sketch import NEVER_RUN, ROOTS, claims, surroundings
from assay.safety_case.status import recheck
from assay.safety_case.watched_words import apart_from_dictionary, watched_in_words

OF_FEATURES = ("S1.1", "S1.2")
"""Claims about the dictionary's features alone."""


def build_case(inputs: CaseInputs) -> SafetyCase:
    """The case that the evidence supports, with every status settled.

    What was not run leaves an undeveloped solution that says why. Evidence that was measured on
    another model than ``inputs.model`` is open. Raises AssayError for a figure that a claim would
    rest on without an interval, n, the hash of its model, or its file's hash in ``inputs.files``, and
    for bounds that are better than their own counts can give.
    """
    leaves = _solutions(inputs)
    watched = watched_in_words(inputs.monitor)
    built = [_with_support(claim, leaves.get(claim.id, ()), inputs) for claim in claims(watched)]
    around = surroundings(inputs.model[:12], deployment_words(inputs.monitor), watched)
    nodes = _numbered([*built, *(node for group in leaves.values() for node in group)])
    case = SafetyCase(
        case=inputs.case,
        model=inputs.model,
        seed=inputs.seed,
        concerns=inputs.concerns,
        not_run=inputs.not_run,
        created_from=inputs.files,
        roots=ROOTS,
        nodes=(*nodes, *around),
    )
    return recheck(case, {"model": inputs.model})


def _solutions(inputs: CaseInputs) -> Mapping[str, Sequence[Node]]:
    return {
        "C1.1.1": detection_solutions(inputs),
        "S1.1": learning_solutions(inputs),
        "S1.2": [labels_solution(inputs), *cause_solutions(inputs)],
        "V1.1": [catching_solution(inputs), learning_curve_solution(inputs)],
        "V1.2": [missed_solution(inputs), recall_solution(inputs)],
        "M1.1": monitor_solutions(inputs),
    }


def _with_support(claim: Node, leaves: Sequence[Node], inputs: CaseInputs) -> Node:
    """A claim with its solutions and the responses to its defeaters."""
    if claim.id in NEVER_RUN:
        return claim.model_copy(update={"undeveloped": True, "why": NEVER_RUN[claim.id]})
    text = claim.text
    if claim.id == "C1.1.1" and inputs.transfer is not None:
        undefeated = all(leaf.status != "defeated" for leaf in leaves)
        text = (
            f"{text} {catch_sentence(inputs.transfer.catch_bound, undefeated)} Learned on all other "
            f"organisms, {reader_sentence(inputs.transfer)}{early_sentence(inputs.transfer)}"
        )
    if claim.id == "M1.1" and inputs.monitor is not None and inputs.monitor.fallback is None:
        text = (
            f"{text} The case names no model to go back to, so that this cannot be carried out yet."
        )
    if claim.id in OF_FEATURES:
        text = f"{text}{apart_from_dictionary(inputs.monitor)}"
    return claim.model_copy(
        update={
            "text": text,
            "supported_by": (*(leaf.id for leaf in leaves), *claim.supported_by),
            "defeaters": tuple(responded(defeater, inputs) for defeater in claim.defeaters),
        }
    )


def _numbered(nodes: Sequence[Node]) -> list[Node]:
    """Solutions labelled Sn1, Sn2, … in the order of the argument."""
    labels: dict[str, str] = {}
    for node in nodes:
        for name in node.supported_by:
            if name.startswith("Sn."):
                labels.setdefault(name, f"Sn{len(labels) + 1}")
    return [
        node.model_copy(update={"label": labels[node.id]}) if node.type == "solution" else node
        for node in nodes
    ]
