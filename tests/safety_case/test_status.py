"""The rules of strength, on arguments of a few nodes whose answer is known."""

from __future__ import annotations

import pytest

from assay.errors import AssayError
from assay.evidence import Evidence
from assay.safety_case import Defeater, Node, SafetyCase, recheck, settle
from assay.safety_case.grading import STRENGTH, weakest
from assay.safety_case.nodes import citable_interval
from assay.safety_case.status import check_statuses

EVIDENCE = Evidence(
    metric="m",
    estimate=0.9,
    ci=(0.8, 0.95),
    method="jackknife",
    n=10,
    unit="documents",
    split="test",
    seed=0,
    inputs={"model": "a" * 64, "dictionary": "d" * 64, "threshold": "b" * 64},
    file="evidence.json",
)
FILES = {"evidence.json": "e" * 64}


def leaf(name, status, **changes):
    fields = {"id": name, "type": "solution", "label": name, "text": "t", "status": status}
    return Node(**(fields | {"evidence": EVIDENCE} | changes))


def goal(name, *supports, **changes):
    fields = {"id": name, "type": "goal", "label": name, "text": "t", "supported_by": supports}
    return Node(**(fields | changes))


def case(*nodes, **changes):
    fields = {
        "case": "c",
        "model": "a" * 64,
        "seed": 0,
        "concerns": (),
        "not_run": {},
        "created_from": FILES,
        "roots": (nodes[0].id,),
    }
    return SafetyCase(**(fields | {"nodes": nodes} | changes))


def statuses(settled):
    return {node.id: node.status for node in settled.nodes}


def test_the_order_is_defeated_open_weak_supported():
    assert STRENGTH == ("defeated", "open", "weak", "supported")
    assert weakest(["supported", "open", "weak"]) == "open"


@pytest.mark.parametrize("first", STRENGTH)
@pytest.mark.parametrize("second", STRENGTH)
def test_a_goal_is_as_strong_as_its_weakest_support(first, second):
    settled = settle(case(goal("G", "a", "b"), leaf("a", first), leaf("b", second)))
    assert statuses(settled)["G"] == weakest([first, second])


def test_weakness_travels_through_strategies_and_shared_nodes():
    nodes = (
        goal("G", "S", "H"),
        goal("S", "a", type="strategy"),
        goal("H", "a", "b"),
        leaf("a", "supported"),
        leaf("b", "defeated"),
    )
    assert statuses(settle(case(*nodes))) == {
        "G": "defeated",
        "S": "supported",
        "H": "defeated",
        "a": "supported",
        "b": "defeated",
    }


def test_an_undeveloped_node_is_open_whatever_it_says():
    nothing = Node(id="U", type="goal", label="U", text="t", undeveloped=True, status="supported")
    settled = settle(case(goal("G", "a", "U"), leaf("a", "supported"), nothing))
    assert statuses(settled) == {"G": "open", "a": "supported", "U": "open"}


@pytest.mark.parametrize(
    ("doubt", "expected"),
    [
        (Defeater(id="D", text="d"), "weak"),
        (Defeater(id="D", text="d", response="words", status="open"), "weak"),
        (Defeater(id="D", text="d", response="words", status="partly answered"), "supported"),
        (Defeater(id="D", text="d", response="words", status="answered"), "supported"),
    ],
)
def test_only_an_open_defeater_caps_its_node_at_weak(doubt, expected):
    on_goal = case(goal("G", "a", defeaters=(doubt,)), leaf("a", "supported"))
    assert statuses(settle(on_goal)) == {"G": expected, "a": "supported"}
    on_leaf = case(goal("G", "a"), leaf("a", "supported", defeaters=(doubt,)))
    assert statuses(settle(on_leaf)) == {"G": expected, "a": expected}


def test_an_open_defeater_makes_nothing_stronger():
    doubt = Defeater(id="D", text="d")
    settled = settle(case(goal("G", "a", defeaters=(doubt,)), leaf("a", "defeated")))
    assert statuses(settled)["G"] == "defeated"


def test_contexts_support_nothing():
    around = Node(id="X", type="context", label="X", text="t")
    settled = settle(case(goal("G", "a", in_context_of=("X",)), leaf("a", "supported"), around))
    assert statuses(settled) == {"G": "supported", "a": "supported", "X": None}
    with pytest.raises(AssayError, match="context, has no status"):
        settle(case(goal("G", "X"), around))


def test_a_claim_without_support_is_an_error():
    with pytest.raises(AssayError, match="nothing supports G; mark it as undeveloped"):
        settle(case(goal("G")))


@pytest.mark.parametrize("name", ["dictionary", "threshold"])
def test_a_changed_hash_opens_what_depends_on_it(name):
    other = EVIDENCE.model_copy(update={"inputs": {"model": "a" * 64}})
    whole = settle(
        case(
            goal("G", "H", "b"),
            goal("H", "a"),
            leaf("a", "supported"),
            leaf("b", "supported", evidence=other),
        )
    )
    assert recheck(whole, EVIDENCE.inputs) == whole
    after = recheck(whole, {name: "f" * 64})
    assert statuses(after) == {"G": "open", "H": "open", "a": "open", "b": "supported"}
    assert f"{name} changed" in after.node("a").why


def test_a_changed_file_opens_what_cites_it():
    whole = settle(case(goal("G", "a"), leaf("a", "supported")))
    assert statuses(recheck(whole, FILES))["G"] == "supported"
    assert statuses(recheck(whole, {"evidence.json": "2" * 64}))["G"] == "open"


def test_a_changed_hash_does_not_rescue_what_was_defeated():
    whole = settle(case(goal("G", "a"), leaf("a", "defeated")))
    assert statuses(recheck(whole, {"model": "f" * 64}))["a"] == "defeated"


def test_a_status_that_the_rules_do_not_give_is_refused():
    claimed = case(goal("G", "a", status="supported"), leaf("a", "weak"))
    with pytest.raises(AssayError, match="node G says 'supported', .* give 'weak'"):
        check_statuses(claimed)
    check_statuses(settle(claimed))


def test_a_solution_without_evidence_is_an_error():
    with pytest.raises(AssayError, match="solution a has no evidence"):
        leaf("a", "supported", evidence=None)
    with pytest.raises(AssayError, match="only a developed solution has evidence"):
        leaf("a", "open", undeveloped=True)


@pytest.mark.parametrize(
    ("lacking", "words"),
    [
        ({"ci": None}, "evidence.json: 'm' has no confidence interval"),
        ({"n": 0}, "evidence.json: 'm' has no n"),
        ({"file": None}, "an unnamed file: 'm' does not state its file"),
        ({"inputs": {"text": "c" * 64}}, "does not state the hash of its model"),
    ],
)
def test_a_solution_on_an_incomplete_figure_is_an_error(lacking, words):
    figure = EVIDENCE.model_copy(update=lacking)
    with pytest.raises(AssayError, match=words):
        citable_interval(figure)
    with pytest.raises(AssayError, match=words):
        leaf("a", "supported", evidence=figure)


def test_a_solution_whose_file_has_no_hash_is_an_error():
    with pytest.raises(AssayError, match=r"solution a cites evidence.json, .* no hash"):
        case(goal("G", "a"), leaf("a", "supported"), created_from={})


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ((goal("G", "H"), goal("H", "G")), "circular: G → H → G"),
        ((goal("G", "nowhere"),), "unknown node 'nowhere'"),
        ((goal("G", "a"), leaf("a", "weak"), leaf("a", "weak")), "two nodes .* 'a'"),
        ((goal("G", "a"), leaf("a", "weak"), leaf("b", "weak")), "no root .* leads to b"),
    ],
)
def test_a_broken_argument_is_refused_in_one_line(nodes, words):
    with pytest.raises(AssayError, match=words):
        case(*nodes)
    with pytest.raises(AssayError, match="answered' without a response"):
        Defeater(id="D", text="d", status="answered")
