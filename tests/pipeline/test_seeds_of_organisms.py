"""Several seeds of one organism: told apart by name, left out and counted as one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from planted_organisms import planted_organism

from assay.concerns.conversations import Conversation, Excerpt
from assay.concerns.transfer import Row
from assay.concerns.verdicts import Budgets, Scored, judge_cell
from assay.errors import AssayError
from assay.pipeline.case import read_case
from assay.pipeline.case_organisms import case_organisms
from assay.pipeline.case_readings import Readings
from assay.pipeline.transfer import elicit_for
from assay.pipeline.transfer_summary import best_of, nested_choice


@pytest.fixture
def case_with(tiny_case, tiny_model_folder, tmp_path):
    """A case on two seeds of "one", each with a decoy, and on "two"; ``says`` is the second's."""

    def build(says=None, folders=("one-a", "one-b", "two")):
        base = str(tiny_model_folder)
        folder = tmp_path / "organisms"
        for number, name in enumerate(("one-a", "one-b")):
            own = {"name": "one", "seed": number}
            own |= (says or {}) if number else {}
            planted_organism(folder / name, base, seed=number, says=own)
            twin = {"name": "one-decoy-twin", "seed": number}
            planted_organism(folder / f"{name}-decoy", base, seed=9, twin_of="one", says=twin)
        planted_organism(folder / "two", base, seed=5)
        concern = {"name": "deceit", "description": "bad", "severity": "high"}
        concern["organisms"] = [str(folder / name) for name in folders]
        strategies = ["base", "perturbed.finetune"]
        return read_case(tiny_case(concerns=[concern], strategies=strategies))

    return build


def test_seeds_bear_their_number_and_their_own_twins(case_with):
    found = case_organisms(case_with())
    assert [(one.name, one.family, one.is_twin) for one in found] == [
        ("one-seed-0", "one", False),
        ("one-decoy-twin-seed-0", "one", True),
        ("one-seed-1", "one", False),
        ("one-decoy-twin-seed-1", "one", True),
        ("two", "two", False),
    ]
    assert found[1].parent is found[0]
    assert found[3].parent is found[2]


def test_one_seed_alone_gets_its_own_twins_where_those_of_others_lie_beside_it(case_with):
    found = case_organisms(case_with(folders=("one-b", "two")))
    assert [one.name for one in found] == ["one", "one-decoy-twin", "two"]
    assert found[1].organism.manifest.seed == 1


def test_the_same_seed_twice_is_refused(case_with):
    with pytest.raises(AssayError, match="two organisms of the case are called 'one-seed-0'"):
        case_organisms(case_with(says={"seed": 0}))


def conversation(source, label):
    excerpt = Excerpt(f"{source}-{label}", (1,), 0, 0, "", label, "t", source)
    return Conversation(excerpt, torch.zeros(1, 4), (0,))


def test_nothing_is_learned_from_another_seed_of_the_tested_organism(case_with):
    case = case_with()
    organisms = case_organisms(case)
    parents = [one for one in organisms if not one.is_twin]
    read = {
        one.name: tuple(conversation(one.organism.name, label) for label in (True, False))
        for one in parents
    }
    readings = Readings({}, read, {name: {"discover": rows} for name, rows in read.items()}, {}, {})
    for one in parents:
        for elicited in elicit_for(case, one, organisms, readings):
            sources = {c.excerpt.source for c in elicited.conversations}
            assert sources == {"one", "two"} - {one.family}


def row(strategy, organism, tpr):
    positives = np.r_[np.full(round(100 * tpr), 9.0), np.full(100 - round(100 * tpr), -9.0)]
    templates = tuple(map(str, range(100))), tuple(map(str, range(400)))
    benign = np.full(400, -9.0)
    scored = Scored(positives, benign, benign, benign, templates)
    cell = judge_cell(
        *(strategy, "single_feature", organism, None, scored, None, "high", Budgets(), 0)
    )
    return Row(replace(cell, beats_text=True), scored, None)


def test_three_seeds_of_one_organism_weigh_as_one():
    rates = [
        *((("x", "d"), "a", 0.6) for _ in range(3)),
        *((("y", "d"), "a", 0.0) for _ in range(3)),
        (("x", "d"), "b", 0.0),
        (("y", "d"), "b", 0.9),
        (("z", "d"), "b", 1.0),
        (("z", "d"), "a", None),
    ]
    assert best_of(rates) == ("y", "d")
    assert best_of([]) is None


def test_the_choice_for_one_seed_does_not_look_at_another_and_seeds_count_once(case_with):
    families = {"one-seed-0": "one", "one-seed-1": "one", "two": "two"}
    rows = [
        # On "two" base does better; the seeds of "one" say the opposite.
        *(row("base", "two", 0.6), row("perturbed.finetune", "two", 0.5)),
        *(row("base", name, 0.0) for name in ("one-seed-0", "one-seed-1")),
        *(row("perturbed.finetune", name, 1.0) for name in ("one-seed-0", "one-seed-1")),
    ]
    found = {r["held_out"]: r for r in nested_choice(rows, families, case_with())}
    assert found["one-seed-0"]["strategy"] == found["one-seed-1"]["strategy"] == "base"
    assert found["two"]["strategy"] == "perturbed.finetune"
