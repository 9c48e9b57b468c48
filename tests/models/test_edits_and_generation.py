"""What steering and ablation rely on: edits act, compose, end; generation is exact."""

import pytest
import torch
from tiny_models import (
    ALL_SITES,
    FAMILIES,
    LAYERS,
    fresh_model,
    random_tokens,
    site,
    tiny_model,
)

from assay.errors import AssayError
from assay.models import (
    cache_prefix,
    capture,
    edit,
    generate,
    token_cross_entropy,
)

TOKENS = random_tokens(2, 7)
TOP = site(f"resid_post.{LAYERS - 1}")
ONE_HEAD = [site(f"{kind}.1.h1") for kind in "qkvz"]


def ragged_prompts(count=5, seed=5):
    tokens = random_tokens(count, 12, seed=seed).tolist()
    return [row[: 3 + 2 * i] for i, row in enumerate(tokens)]


@pytest.mark.parametrize("family", FAMILIES)
def test_an_identity_edit_is_bit_identical_at_every_site(family):
    model = tiny_model(family)
    plain = capture(model, TOKENS, [TOP])[TOP]
    for where in [*ALL_SITES, *ONE_HEAD]:
        with edit(model, where, lambda x: x):
            assert torch.equal(capture(model, TOKENS, [TOP])[TOP], plain), where


@pytest.mark.parametrize("family", FAMILIES)
def test_an_edit_is_seen_at_its_site_and_acts_on_what_follows(family):
    model = tiny_model(family)
    plain = capture(model, TOKENS, [TOP])[TOP]
    for where in [*ALL_SITES, *ONE_HEAD]:
        value = torch.linspace(-1, 1, model.site_width(where)).expand(2, 7, -1)
        with edit(model, where, lambda x, value=value: value):
            seen = capture(model, TOKENS, [where, TOP])
        assert torch.equal(seen[where], value), where
        if where != TOP:
            assert not torch.equal(seen[TOP], plain), where
    assert torch.equal(capture(model, TOKENS, [TOP])[TOP], plain)


@pytest.mark.parametrize("family", ["gpt2", "llama", "gpt_neox", "gemma3_text"])
def test_an_edit_of_one_head_leaves_the_others_alone(family):
    model = tiny_model(family)
    for kind in "qkvz":
        whole, one = site(f"{kind}.1"), site(f"{kind}.1.h1")
        plain = capture(model, TOKENS, [whole])[whole].clone()
        with edit(model, one, torch.zeros_like):
            edited = capture(model, TOKENS, [whole])[whole]
        head = slice(model.head_dim, 2 * model.head_dim)
        plain[..., head] = 0
        assert torch.equal(edited, plain)


def test_zeroing_a_head_output_equals_zeroing_its_rows_of_the_output_projection():
    model, ablated = tiny_model("llama"), fresh_model("llama")
    with torch.no_grad():
        ablated.blocks[1].self_attn.o_proj.weight[:, 4:8] = 0
    with edit(model, site("z.1.h1"), torch.zeros_like):
        seen = capture(model, TOKENS, [TOP])[TOP]
    torch.testing.assert_close(seen, capture(ablated, TOKENS, [TOP])[TOP])


def test_later_edits_see_what_earlier_ones_left():
    model = tiny_model("llama")
    where = site("resid_post.0")
    plain = capture(model, TOKENS, [where])[where]
    with edit(model, where, lambda x: x + 1), edit(model, where, lambda x: 2 * x):
        assert torch.equal(capture(model, TOKENS, [where])[where], 2 * (plain + 1))
    with edit(model, where, lambda x: 2 * x), edit(model, where, lambda x: x + 1):
        assert torch.equal(capture(model, TOKENS, [where])[where], 2 * plain + 1)


def test_an_edit_ends_with_its_block_also_on_an_exception():
    model = tiny_model("llama")
    plain = capture(model, TOKENS, [TOP])[TOP]

    def fail(activations):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), edit(model, site("mlp_out.0"), fail):
        capture(model, TOKENS, [TOP])
    assert torch.equal(capture(model, TOKENS, [TOP])[TOP], plain)


def test_an_edit_that_returns_another_shape_or_no_tensor_is_named():
    model = tiny_model("llama")
    where = site("q.0")
    for function, found in ((lambda x: x[..., :5], r"\(2, 7, 5\)"), (lambda x: None, "NoneType")):
        with (
            pytest.raises(AssayError, match=rf"the edit at q\.0 returned {found}"),
            edit(model, where, function),
        ):
            capture(model, TOKENS, [TOP])
    with pytest.raises(AssayError, match="layers 0 to 2"), edit(model, site("q.7"), torch.abs):
        pass


def test_an_edit_may_compute_in_another_precision():
    model = tiny_model("llama")
    where = site("resid_post.0")
    with edit(model, where, lambda x: x.double() + 1):
        assert capture(model, TOKENS, [where])[where].dtype == torch.float32


@pytest.mark.parametrize("use_cache", [True, False])
def test_an_edit_is_told_the_place_of_each_token_whatever_the_padding(use_cache):
    model = tiny_model("llama")
    prompts = ragged_prompts()
    seen = []

    def zero_first(activations, places):
        seen.append(places.tolist())
        return torch.where((places == 0)[..., None], 0.0, activations)

    with edit(model, site("mlp_out.0"), zero_first, with_places=True):
        batched = generate(model, prompts, max_new_tokens=4, use_cache=use_cache)
        first = seen[0]
        alone = [generate(model, [p], max_new_tokens=4, use_cache=use_cache)[0] for p in prompts]
        assert batched == alone
        seen.clear()
        capture(model, TOKENS, [TOP], prefix=cache_prefix(model, TOKENS[:1]))
        model.module(TOKENS)
    assert first[0] == list(range(11))  # prompts are sorted, the longest first
    assert first[-1] == [-1] * 8 + [0, 1, 2]
    assert seen == [[list(range(7))], [list(range(7, 14))] * 2, [list(range(7))] * 2]
    assert batched != generate(model, prompts, max_new_tokens=4)


def test_gradients_flow_through_an_edit():
    model = tiny_model("llama")
    for where in (site("resid_post.0"), site("z.1.h1"), site("q.1")):
        vector = torch.zeros(model.site_width(where), requires_grad=True)
        with edit(model, where, lambda x, vector=vector: x + vector):
            model.module(TOKENS, attention_mask=torch.ones_like(TOKENS)).logits[0, -1, 3].backward()
        assert vector.grad is not None
        assert vector.grad.abs().max() > 0


def test_edits_act_on_cross_entropy_and_on_prefixes():
    model = tiny_model("llama")
    plain = token_cross_entropy(model, TOKENS)
    where = site("resid_post.0")
    with edit(model, where, lambda x: -x):
        assert (token_cross_entropy(model, TOKENS) - plain).abs().max() > 1e-3
        edited = cache_prefix(model, TOKENS[:1])
    prefix = cache_prefix(model, TOKENS[:1])
    assert torch.equal(edited.keys[0], prefix.keys[0])  # before the edit
    assert not torch.equal(edited.keys[1], prefix.keys[1])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_generation_with_and_without_cache_and_batched_and_alone_are_equal(family, temperature):
    model = tiny_model(family)
    prompts = ragged_prompts()
    options = {"max_new_tokens": 8, "temperature": temperature, "seed": 7}
    batched = generate(model, prompts, **options)
    assert batched == generate(model, prompts, use_cache=False, **options)
    assert batched == [generate(model, [prompt], **options)[0] for prompt in prompts]
    assert batched == generate(model, prompts, batch_size=2, **options)
    assert len({tuple(row) for row in batched}) == len(prompts)


@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma2", "bloom"])
def test_greedy_generation_takes_the_likeliest_token_of_the_whole_text(family):
    model = tiny_model(family)
    prompt = ragged_prompts()[2]
    for token in generate(model, [prompt], max_new_tokens=6)[0]:
        text = torch.tensor([prompt])
        with torch.no_grad():
            output = model.module(text, attention_mask=torch.ones_like(text))
        assert token == int(output.logits[0, -1].argmax())
        prompt = [*prompt, token]


@pytest.mark.parametrize("use_cache", [True, False])
def test_edits_steer_generation_the_same_with_and_without_cache(use_cache):
    model = tiny_model("llama")
    prompts = ragged_prompts()
    plain = generate(model, prompts, max_new_tokens=6)
    push = 3 * model.unembedding.weight[11].detach()
    positions = []

    def steer(activations):
        positions.append(activations.shape[1])
        return activations + push

    with edit(model, TOP, steer):
        steered = generate(model, prompts, max_new_tokens=6, use_cache=use_cache)
    assert steered != plain
    assert sum(row.count(11) for row in steered) > sum(row.count(11) for row in plain)
    longest = max(len(prompt) for prompt in prompts)
    expected = [longest, 1, 1, 1, 1, 1] if use_cache else list(range(longest, longest + 6))
    assert positions == expected
    with edit(model, TOP, lambda x: x + push):
        assert steered == generate(model, prompts, max_new_tokens=6, use_cache=not use_cache)
    assert generate(model, prompts, max_new_tokens=6) == plain


def test_a_row_ends_before_its_end_token_and_the_others_go_on():
    model = fresh_model("llama")
    prompts = ragged_prompts()
    free = generate(model, prompts, max_new_tokens=8)
    end = free[1][3]
    model.module.generation_config.eos_token_id = [2, end]
    stopped = generate(model, prompts, max_new_tokens=8)
    for whole, row in zip(free, stopped, strict=True):
        assert row == (whole[: whole.index(end)] if end in whole else whole)
    assert len(stopped[1]) < 8
    assert max(map(len, stopped)) == 8


def test_drawn_tokens_follow_the_models_probabilities_and_the_seed():
    model = tiny_model("llama")
    prompt = ragged_prompts()[0]
    draws = generate(
        model, [prompt] * 4000, max_new_tokens=1, temperature=0.7, seed=1, batch_size=4000
    )
    text = torch.tensor([prompt])
    with torch.no_grad():
        scores = model.module(text, attention_mask=torch.ones_like(text)).logits[0, -1]
    expected = (scores / 0.7).softmax(-1)
    drawn = torch.zeros(model.vocabulary_size)
    for row in draws:
        drawn[row[0] if row else 2] += 1 / 4000  # an empty row ended at once, with token 2
    error = (expected * (1 - expected) / 4000).sqrt()
    assert ((drawn - expected).abs() <= 4.5 * error + 1e-9).all()
    options = {"max_new_tokens": 5, "temperature": 1.0}
    one = generate(model, [prompt], seed=1, **options)
    assert one == generate(model, [prompt], seed=1, **options)
    assert one != generate(model, [prompt], seed=2, **options)


def test_requests_that_cannot_be_generated_are_named():
    model = tiny_model("llama")
    with pytest.raises(AssayError, match="prompt 1 is empty"):
        generate(model, [[3], []], max_new_tokens=2)
    with pytest.raises(AssayError, match="at least 1"):
        generate(model, [[3]], max_new_tokens=0)
    with pytest.raises(AssayError, match="temperature is -1"):
        generate(model, [[3]], max_new_tokens=1, temperature=-1.0)
    with pytest.raises(AssayError, match="token id 99 is unknown"):
        generate(model, [[99]], max_new_tokens=1)
    assert generate(model, [], max_new_tokens=1) == []


def test_what_prompts_begin_with_is_found_and_leaves_a_token_of_each():
    from assay.models.generation import FEWEST_SHARING, LEAST_SHARED, shared_beginning

    common = list(range(LEAST_SHARED + 3))
    prompts = [[*common, 50 + i] for i in range(FEWEST_SHARING)]
    assert shared_beginning(prompts) == len(common)
    assert shared_beginning([*prompts, common]) == len(common) - 1
    assert shared_beginning(prompts[: FEWEST_SHARING - 1]) == 0
    assert shared_beginning([p[-4:] for p in prompts]) == 0
    assert shared_beginning([[1], *prompts]) == 0


@pytest.mark.parametrize("family", ["mistral", "gemma2", "gemma3_text", "llama"])
def test_prompts_that_share_a_beginning_get_the_replies_that_they_get_alone(family):
    """A sliding window of 5 or 6 must not count the padding between beginning and rest."""
    model = tiny_model(family)
    beginning = random_tokens(1, 20, seed=5)[0].tolist()
    rests = [random_tokens(1, length, seed=length)[0].tolist() for length in (1, 3, 4, 7, 9)]
    prompts = [[*beginning, *rest] for rest in rests]
    together = generate(model, prompts, max_new_tokens=8)
    assert together == [generate(model, [p], max_new_tokens=8)[0] for p in prompts]
    assert together == generate(model, prompts, max_new_tokens=8, use_cache=False)


def test_padding_between_a_prefix_and_its_tokens_is_refused_where_a_window_would_count_it():
    model = tiny_model("gemma2")
    prefix = cache_prefix(model, random_tokens(1, 12))
    tokens = random_tokens(2, 6, seed=3)
    mask = torch.tensor([[1, 1, 1, 1, 1, 1], [0, 0, 1, 1, 1, 1]])
    with pytest.raises(AssayError, match="sliding windows.*pad on the right"):
        capture(model, tokens, ["resid_post.1"], attention_mask=mask, prefix=prefix)
    capture(model, tokens, ["resid_post.1"], attention_mask=mask.flip(1), prefix=prefix)
    capture(tiny_model("llama"), tokens, ["resid_post.1"], attention_mask=mask)
