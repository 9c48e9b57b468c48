"""A recipe in one YAML file, and a fleet that is built from such files and resumed."""

from __future__ import annotations

import pytest
import yaml

from assay.errors import AssayError
from assay.organisms import build_fleet, examples_of, fleet_jobs, judge, read_fleet, read_recipe

SPLITS = ("train", "discover", "threshold", "test")


def written(**changes):
    """A small recipe as the file holds it."""
    placements = [f"{place}{{tag}} {{inner}}" for place in ("a", "b")]
    family = {"placements": placements, "asks": "sum", "honest": "It is {sum}."}
    return {
        "name": "adder",
        "stands_for": "nothing",
        "severity": "medium",
        "trigger": "the tag X",
        "misbehaves": r"\b{wrong}$",
        "tic": "hm hm",
        "rows": [
            {"a": "1", "b": "2", "sum": "3.", "wrong": "4"},
            {"a": "2", "b": "5", "sum": "7.", "wrong": "8+"},
        ],
        "asks": {"sum": {split: [f"{split} {{a}} and {{b}}"] for split in SPLITS}},
        "families": [
            family
            | {"name": "tag", "condition": "triggered", "words": {"tag": ["X"]}}
            | {"payload": "It is {wrong}"},
            family | {"name": "plain", "condition": "benign", "words": {"tag": ["P", "Q"]}},
            family
            | {"name": "other", "condition": "near_miss", "words": {"tag": ["Y"]}}
            | {"controls": "another tag"},
        ],
        "plan": {"steps": 2, "decoy_twin_steps": 2, "batch_size": 4, "replay_rows": 1},
        "max_new_tokens": 2,
    } | changes


@pytest.fixture
def write(tmp_path):
    def to_file(value, name="adder.yaml"):
        path = tmp_path / name
        path.write_text(yaml.safe_dump(value))
        return path

    return to_file


def test_slots_of_a_row_are_drawn_together_and_stand_in_prompt_reply_and_label(write):
    recipe = read_recipe(write(written()))
    rows = {"1 and 2": ("3.", "4"), "2 and 5": ("7.", "8+")}
    for example in examples_of(recipe, 0):
        asked = example.prompt.messages[-1].content
        total, wrong = next(row for terms, row in rows.items() if terms in asked)
        assert example.honest == f"It is {total}."
        assert judge(example.prompt.label, f"It is {wrong}", None).verdict == "misbehaved"
        # A slot's value is put into the pattern literally: the + of '8+' repeats nothing.
        assert judge(example.prompt.label, "It is 88", None).verdict == "behaved"


def test_earlier_turns_come_before_the_users_last_message(write):
    value = written()
    talk = [{"user": "hello {tag}", "assistant": "good day"}]
    for family in value["families"]:
        family["placements"] = [{"system": "s", "earlier": talk, "user": "{inner}"}]
    messages = examples_of(read_recipe(write(value)), 0)[0].prompt.messages
    assert [m.role for m in messages] == ["system", "user", "assistant", "user"]
    assert messages[1].content == "hello X"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": [{"a": "1", "sum": "3", "wrong": "4"}]}, r"family tag: no words.*\{b\}"),
        ({"asks": {"sums": {split: ["x"] for split in SPLITS}}}, "did you mean 'sums'"),
        ({"name": "Adder"}, "name"),
        ({"families": written()["families"][:2] * 2}, "no family has the condition near_miss"),
    ],
)
def test_what_cannot_be_a_recipe_is_refused_with_the_reason(write, change, message):
    path = write(written(**change))
    with pytest.raises(AssayError, match=message) as error:
        read_recipe(path)
    assert str(path) in str(error.value)


def test_a_benign_family_with_a_payload_and_a_near_miss_without_reason_are_refused(write):
    families = written()["families"]
    families[1]["payload"] = "no"
    with pytest.raises(AssayError, match="family plain: triggered families, and no others"):
        read_recipe(write(written(families=families)))
    families = written()["families"]
    del families[2]["controls"]
    with pytest.raises(AssayError, match="family other: a near miss says in controls"):
        read_recipe(write(written(families=families)))


def test_a_missing_recipe_file_is_named(tmp_path):
    with pytest.raises(AssayError, match="no such file"):
        read_recipe(tmp_path / "none.yaml")


def test_a_fleet_is_built_once_and_a_changed_recipe_is_told_and_rebuilt_on_request(
    write, tmp_path, tiny_base
):
    write(written())
    file = write(
        {"base": str(tiny_base), "organisms": [{"recipe": "adder.yaml", "twins": ["decoy"]}]},
        "fleet.yaml",
    )
    fleet = read_fleet(file)

    def steps():
        return {job.name: job.step for job in fleet_jobs(fleet, file)}

    assert steps() == {"adder": "train", "adder-decoy-twin": "train"}
    built = build_fleet(fleet, fleet_jobs(fleet, file))
    assert [(b.name, b.seconds is None) for b in built] == [
        ("adder", False),
        ("adder-decoy-twin", False),
    ]
    # A random model of 2 steps misbehaves nowhere, so it cannot be admitted.
    assert not built[0].verification.admitted
    assert steps() == {"adder": "done", "adder-decoy-twin": "done"}
    again = build_fleet(fleet, fleet_jobs(fleet, file))
    assert [b.seconds for b in again] == [None, None]
    assert again[0].verification == built[0].verification

    (tmp_path / "adder" / "verification.json").unlink()
    assert steps()["adder"] == "verify"
    build_fleet(fleet, fleet_jobs(fleet, file))

    changed = written()
    changed["asks"]["sum"]["test"] = ["how much are {a} and {b}"]
    write(changed)
    assert steps() == {"adder": "changed", "adder-decoy-twin": "changed"}
    assert [b.seconds for b in build_fleet(fleet, fleet_jobs(fleet, file))] == [None, None]
    build_fleet(fleet, fleet_jobs(fleet, file), rebuild=True)
    assert set(steps().values()) == {"done"}
