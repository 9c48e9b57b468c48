"""Several seeds of one organism: told apart by name, left out and counted as one."""

from __future__ import annotations

import pytest
import torch

from assay.concerns import Concern, StrategyChoice, elicit_for, organisms_of
from assay.concerns.conversations import Conversation, Excerpt, OrganismReadings
from assay.concerns.conversations.organism_readings import CONVERSATION_PARTS, ReadingFacts
from assay.errors import AssayError
from planted_organisms import planted_organism

DECEIT = Concern("deceit", "bad", "high")


@pytest.fixture
def organisms_with(tiny_model_folder, tmp_path):
    """Two seeds of "one", each with a decoy, and "two"; ``says`` is the second seed's manifest."""

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
        return organisms_of({DECEIT: [folder / name for name in folders]})

    return build


def test_seeds_are_named_by_their_number_and_have_their_own_twins(organisms_with):
    found = organisms_with()
    assert [(each.name, each.family, each.is_twin) for each in found] == [
        ("one-seed-0", "one", False),
        ("one-decoy-twin-seed-0", "one", True),
        ("one-seed-1", "one", False),
        ("one-decoy-twin-seed-1", "one", True),
        ("two", "two", False),
    ]
    assert found[1].parent is found[0]
    assert found[3].parent is found[2]


def test_one_seed_alone_gets_its_own_twins_where_those_of_others_lie_beside_it(organisms_with):
    found = organisms_with(folders=("one-b", "two"))
    assert [each.name for each in found] == ["one", "one-decoy-twin", "two"]
    assert found[1].organism.manifest.seed == 1


def test_the_same_seed_twice_is_refused(organisms_with):
    with pytest.raises(AssayError, match="two organisms of the case are called 'one-seed-0'"):
        organisms_with(says={"seed": 0})


def conversation(source, label):
    excerpt = Excerpt(f"{source}-{label}", (1, 2), 0, ((1, 2),), "", label, "t", source)
    return Conversation(excerpt, torch.zeros(1, 4), (1,))


def test_nothing_is_learned_from_another_seed_of_the_tested_organism(organisms_with):
    facts = ReadingFacts(invalid=0, places=(), regenerated=0, same=0, attribution=None)
    readings = []
    for each in organisms_with():
        rows = tuple(conversation(each.family, label) for label in (True, False))
        own = {"discover": rows, "base_discover": rows}
        parts = {**dict.fromkeys(CONVERSATION_PARTS, ()), **own}
        readings.append(OrganismReadings(each, facts=facts, **parts))
    strategies = [StrategyChoice(name=name) for name in ("base", "perturbed.finetune")]
    for own in readings:
        if own.organism.is_twin:
            continue
        found = elicit_for(strategies, own, readings, {}, concern=DECEIT, seed=0)
        assert len(found) == 2
        for elicited in found:
            sources = {c.excerpt.source for c in elicited.conversations}
            assert sources == {"one", "two"} - {own.organism.family}


def test_a_case_reads_all_twins_or_none_or_those_of_the_kinds_that_it_names(
    tiny_model_folder, tmp_path
):
    base, folder = str(tiny_model_folder), tmp_path / "organisms"
    planted_organism(folder / "one", base, seed=1)
    for kind in ("benign", "decoy"):
        says = {"twin_kind": kind}
        planted_organism(folder / f"one-{kind}-twin", base, seed=2, twin_of="one", says=says)
    says = {"twin_kind": None}
    planted_organism(folder / "one-other-twin", base, seed=3, twin_of="one", says=says)

    def twins_read(twins):
        found = organisms_of({DECEIT: [folder / "one"]}, twins=twins)
        return [each.organism.twin_kind for each in found if each.is_twin]

    assert twins_read(twins=True) == ["benign", "decoy", "unstated"]
    assert twins_read(twins=["decoy"]) == ["decoy"]
    assert twins_read(twins=False) == twins_read(twins=()) == []
