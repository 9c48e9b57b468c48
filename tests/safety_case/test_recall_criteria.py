"""V1.2: a dictionary whose error tells misbehaviour better than its features has missed something."""

from __future__ import annotations

import pytest

from assay.errors import AssayError
from assay.safety_case import build_case
from assay.safety_case.ceilings import ceiling, check_ceilings

RECALL = "Sn.recall"


def node_of(made, *rows, **matrix):
    return build_case(made.inputs(transfer=made.matrix(recall=rows, **matrix))).node(RECALL)


@pytest.mark.parametrize(
    ("error", "width", "status"),
    [(0.8, 0.05, "supported"), (0.99, 0.03, "defeated"), (0.96, 0.06, "weak")],
)
def test_the_paired_interval_of_error_and_feature_decides(made, error, width, status):
    node = node_of(made, made.recall(feature=0.95, error=error, width=width))
    assert node.status == status
    assert ceiling(node) == status
    assert node.evidence.ci == pytest.approx((error - 0.95 - width, error - 0.95 + width))


def test_a_dictionary_that_misses_what_an_organism_does_defeats_the_claim_that_none_is_missing(
    made,
):
    inputs = made.inputs(transfer=made.matrix(recall=(made.recall(feature=0.6, error=0.9),)))
    assert build_case(inputs).node("V1.2").status == "defeated"


def test_the_worst_verified_organism_decides(made):
    organisms = (made.organism(), made.organism(name="other", family="other"))
    rows = (made.recall(), made.recall("other", feature=0.6, error=0.9))
    node = node_of(made, *rows, organisms=organisms)
    assert node.status == "defeated"
    assert "other: the error reaches AUROC 0.90" in node.why
    assert (
        "The worst of 2 verified organisms, of which the error is shown to be ahead on 1"
        in node.why
    )


def test_an_unverified_organism_neither_supports_nor_defeats(made):
    organisms = (made.organism(), made.organism(name="other", family="other", admitted=False))
    rows = (made.recall(), made.recall("other", feature=0.6, error=0.9))
    assert node_of(made, *rows, organisms=organisms).status == "supported"
    assert node_of(made, rows[1], organisms=organisms).undeveloped


def test_an_organism_on_which_it_is_not_known_leaves_it_weak(made):
    organisms = (made.organism(), made.organism(name="other", family="other"))
    assert node_of(made, made.recall(), organisms=organisms).status == "weak"
    unknown = made.recall("other").model_copy(update={"gap_ci": None})
    node = node_of(made, made.recall(), unknown, organisms=organisms)
    assert node.status == "weak"
    assert "On 1 verified organism it is not known." in node.why


def test_a_stored_status_above_its_figure_is_refused(made):
    case = build_case(made.inputs(transfer=made.matrix(recall=(made.recall(error=0.99),))))
    edited = [
        node.model_copy(update={"status": "supported"}) if node.id == RECALL else node
        for node in case.nodes
    ]
    with pytest.raises(AssayError, match=r"Sn\.recall says 'supported'"):
        check_ceilings(case.model_copy(update={"nodes": tuple(edited)}))
