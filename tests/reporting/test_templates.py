"""Every branch of every template is rendered, so that a name that does not exist is an error."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from importlib import resources
from pathlib import Path

import pytest
from dictionary_results import (
    a_position_result,
    a_quality_result,
    an_audit_without_labels,
    some_contexts,
    whole_dictionary,
)
from jinja2 import UndefinedError
from matrix_results import MODEL, a_matrix
from qk_results import a_qk_result
from report_results import (
    a_candidate,
    a_candidate_report,
    a_case,
    a_monitor,
    a_monitor_with_a_rule,
    a_record,
    a_sensitivity,
    whole_case,
)

from assay.reporting import Page, html_of, render_page, render_qk_page
from assay.reporting.fragments import html_of_run
from assay.reporting.rendering import template_environment
from assay.safety_case import Defeater, Node, SafetyCase

WRITES = re.compile(r"\s*(yield |t_\d+\.(append|extend)\()")
"""Statements of a compiled template that write text, on the page or into a macro's value."""
TEMPLATES = sorted(
    file.name
    for file in (resources.files("assay.reporting") / "templates").iterdir()
    if file.name.endswith(".j2")
)


def a_small_case(*doubts):
    """A claim on one supported solution, doubted or not, and a claim on a solution that went stale."""
    solution = Node(
        id="Sn.one",
        type="solution",
        label="Sn1",
        text="It holds.",
        status="supported",
        evidence=a_record("a figure", 0.9),
    )
    stale = solution.model_copy(update={"id": "Sn.two", "label": "Sn2", "status": "open"})
    claim = Node(
        id="C1",
        type="goal",
        label="C1",
        text="It is so.",
        supported_by=("Sn.one",),
        status="weak" if doubts else "supported",
        defeaters=doubts,
    )
    other = claim.model_copy(
        update={
            "id": "C2",
            "label": "C2",
            "status": "open",
            "supported_by": ("Sn.two",),
            "defeaters": (),
        }
    )
    return SafetyCase(
        case="small",
        model=MODEL,
        seed=0,
        concerns=(),
        not_run={},
        created_from={"evidence/quality.json": "1" * 64},
        roots=("C1", "C2"),
        nodes=(claim, other, solution, stale),
    )


def pages():
    """Pages that show everything, little and nothing."""
    bare = {"title": "bare", "facts": (), "evidence": (), "headline": ()}
    nothing = dict.fromkeys(
        (
            *("organisms", "cells", "twin_cells", "missing", "roc", "nulls", "recall"),
            *("ablations", "leave_one_out", "contexts", "notes", "benign_tests"),
            *("references", "learning_curve", "replies", "limits"),
        ),
        (),
    )
    matrix = a_matrix()
    one = matrix.cells[0]
    unsure = a_sensitivity("sandbagger", "sandbagging", 0, 40, verified=False)
    many = [a_candidate(feature=number, name=f"c-{number}") for number in range(11)]
    yield whole_dictionary()
    yield whole_dictionary() | whole_case()
    yield bare
    yield bare | {"headline": ("L0",), "position": an_audit_without_labels()}
    yield bare | {"quality": a_quality_result(), "position": an_audit_without_labels()}
    yield bare | {"position": a_position_result(random_dictionary=None)}
    yield bare | {"transfer": a_matrix(**nothing), "candidates": a_candidate_report([])}
    yield bare | {"transfer": a_matrix(**(nothing | _part(matrix, one)))}
    certain = [null.model_copy(update={"quantile": 1.0}) for null in matrix.nulls]
    yield bare | {"transfer": a_matrix(nulls=tuple(certain))}
    caught = [row.model_copy(update={"caught": True}) for row in matrix.leave_one_out]
    yield bare | {"transfer": a_matrix(leave_one_out=tuple(caught))}
    yield bare | {"case": a_small_case()}
    yield bare | {"case": a_small_case(Defeater(id="D1", text="A doubt."))}
    yield bare | {"case": a_case(), "candidates": a_candidate_report(many)}
    yield bare | {"monitor": a_monitor_with_a_rule(), "contexts": some_contexts()}
    yield bare | {"monitor": a_monitor(sensitivities=(unsure,))}


def _part(matrix, cell):
    """One cell that was not compared with text, without twins."""
    alone = cell.model_copy(update={"beats_text": None, "reasons": ()})
    return {"organisms": matrix.organisms, "cells": (alone,)}


class Executed:
    """Which lines of the compiled templates run."""

    def __init__(self):
        self.lines = defaultdict(set)

    def __enter__(self):
        sys.settrace(self._called)
        return self

    def __exit__(self, *_):
        sys.settrace(None)

    def _called(self, frame, event, argument):
        if not frame.f_code.co_filename.endswith(".j2"):
            return None
        return self._ran

    def _ran(self, frame, event, argument):
        if event == "line":
            self.lines[Path(frame.f_code.co_filename).name].add(frame.f_lineno)
        return self._ran


def lines_that_write(name):
    """Lines of a compiled template that write something, each with its line in the template."""
    environment = template_environment()
    source = environment.loader.get_source(environment, name)[0]
    template = environment.get_template(name)
    compiled = environment.compile(source, name, raw=True).split("\n")
    return {
        number: template.get_corresponding_lineno(number)
        for number, line in enumerate(compiled, 1)
        if WRITES.match(line)
    }


@pytest.fixture(scope="module")
def executed():
    """The lines that run while all pages and fragments are rendered."""
    template_environment.cache_clear()
    with Executed() as found:
        for page in pages():
            render_page(Page(**page))
        html_of(a_quality_result())
        figures = [a_record("a figure", 0.9)]
        html_of_run("small", {"C1": "weak"}, figures, report="report.html")
        for scheme in ("rotary", "learned_absolute"):
            render_qk_page(a_qk_result(scheme))
    return found.lines


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_branch_of_every_template_is_rendered(name, executed):
    writes = lines_that_write(name)
    left = sorted({writes[number] for number in set(writes) - executed[name]})
    assert not left, f"no page renders lines {left} of {name}"


def test_a_name_that_does_not_exist_is_an_error():
    environment = template_environment()
    for text in ("{{ cell.no_such_figure }}", "{% if cell.no_such_figure %}x{% endif %}"):
        with pytest.raises(UndefinedError, match="no_such_figure"):
            environment.from_string(text).render(cell=a_matrix().cells[0])
