"""What reading a model relies on: masks, positions, padding, cached prefixes, cross-entropy."""

import subprocess
import sys

import pytest
import torch
from tiny_models import FAMILIES, LAYERS, fresh_model, random_tokens, site, tiny_model

from assay.errors import AssayError
from assay.models import Site, cache_prefix, capture, promoted_tokens, token_cross_entropy

FOUR = ["gpt2", "llama", "gpt_neox", "gemma2"]
SITES = [site("q.0"), site("z.1"), site(f"resid_post.{LAYERS - 1}")]


def logits(model, tokens, **arguments):
    with torch.no_grad():
        return model.module(tokens, attention_mask=torch.ones_like(tokens), **arguments).logits


@pytest.mark.parametrize("family", FOUR)
def test_content_sees_bos_across_a_gap_in_the_position_ids(family):
    # transformers takes such ids for packed sequences where no mask is given, and hides BOS.
    model = tiny_model(family)
    tokens = random_tokens(1, 8)
    other = tokens.clone()
    other[0, 0] = (tokens[0, 0] + 1) % model.vocabulary_size
    gap = torch.tensor([[0, *range(20, 27)]])
    top = site("resid_post.0")
    seen = capture(model, tokens, [top], position_ids=gap)[top]
    changed = capture(model, other, [top], position_ids=gap)[top]
    # The sliding window of a block hides BOS from the content beyond it.
    reach = 5 if family == "gemma2" else 8
    difference = (seen - changed).abs().amax(-1)[0]
    assert (difference[1:reach] > 1e-5).all()
    with torch.no_grad():
        blind = [
            model.module(x, position_ids=gap, output_hidden_states=True, use_cache=False)
            for x in (tokens, other)
        ]
    unmasked = (blind[0].hidden_states[1] - blind[1].hidden_states[1]).abs().amax(-1)[0]
    assert (unmasked[1:] == 0).all(), "the trap is gone from transformers: say so in forward.py"


@pytest.mark.parametrize("family", ["llama", "gpt_neox", "gemma2"])
def test_shifting_all_positions_changes_nothing_in_a_rotary_model(family):
    model = tiny_model(family)
    tokens = random_tokens(2, 8)
    plain = capture(model, tokens, SITES)
    shifted = capture(model, tokens, SITES, position_ids=torch.arange(8)[None] + 30)
    for name in SITES:
        torch.testing.assert_close(plain[name], shifted[name], rtol=1e-3, atol=1e-5)


def test_shifting_all_positions_changes_activations_under_learned_positions():
    model = tiny_model("gpt2")
    tokens = random_tokens(2, 8)
    top = SITES[-1]
    plain = capture(model, tokens, [top])[top]
    shifted = capture(model, tokens, [top], position_ids=torch.arange(8)[None] + 30)[top]
    assert (plain - shifted).abs().max() > 1e-2


@pytest.mark.parametrize("family", FAMILIES)
def test_left_padding_under_a_mask_changes_no_activation(family):
    model = tiny_model(family)
    tokens = random_tokens(2, 9)
    padded = torch.cat([torch.zeros(2, 4, dtype=torch.long), tokens], dim=1)
    mask = torch.cat([torch.zeros(2, 4, dtype=torch.long), torch.ones_like(tokens)], dim=1)
    plain = capture(model, tokens, SITES)
    seen = capture(model, padded, SITES, attention_mask=mask)
    for name in SITES:
        torch.testing.assert_close(seen[name][:, 4:], plain[name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_contents_continue_from_a_cached_prefix_as_from_the_whole_text(family):
    model = tiny_model(family)
    before, contents = random_tokens(1, 9, seed=1), random_tokens(4, 7, seed=2)
    whole = torch.cat([before.expand(4, -1), contents], dim=1)
    prefix = cache_prefix(model, before)
    stored = [keys.clone() for keys in prefix.keys]
    expected = capture(model, whole, SITES)
    for rows in (4, 1):  # used again, with another batch size: nothing may have stuck
        seen = capture(model, contents[:rows], SITES, prefix=prefix)
        for name in SITES:
            torch.testing.assert_close(seen[name], expected[name][:rows, 9:], rtol=1e-4, atol=1e-5)
    scores = token_cross_entropy(model, contents, prefix=prefix)
    torch.testing.assert_close(
        scores, token_cross_entropy(model, whole)[:, 9:], rtol=1e-4, atol=1e-5
    )
    assert all(torch.equal(a, b) for a, b in zip(stored, prefix.keys, strict=True))
    assert prefix.length == prefix.next_position == 9


def test_a_prefix_with_positions_of_its_own_is_continued_from_where_they_end():
    model = tiny_model("gpt2")
    before, contents = random_tokens(1, 3, seed=1), random_tokens(2, 4, seed=2)
    prefix = cache_prefix(model, before, position_ids=torch.tensor([[0, 10, 11]]))
    assert prefix.next_position == 12
    top = SITES[-1]
    whole = torch.cat([before.expand(2, -1), contents], dim=1)
    ids = torch.tensor([[0, 10, 11, 12, 13, 14, 15]])
    expected = capture(model, whole, [top], position_ids=ids)[top][:, 3:]
    seen = capture(model, contents, [top], prefix=prefix)[top]
    torch.testing.assert_close(seen, expected, rtol=1e-4, atol=1e-5)


def test_a_prefix_of_another_model_is_refused():
    prefix = cache_prefix(tiny_model("llama"), random_tokens(1, 3))
    with pytest.raises(AssayError, match="cached for tiny llama"):
        capture(tiny_model("qwen3"), random_tokens(1, 3), [site("q.0")], prefix=prefix)
    with pytest.raises(AssayError, match="one row"):
        cache_prefix(tiny_model("llama"), random_tokens(2, 3))


@pytest.mark.parametrize("family", FAMILIES)
def test_cross_entropy_equals_that_of_the_whole_logits(family, monkeypatch):
    model = tiny_model(family)
    tokens = random_tokens(3, 10)
    expected = torch.nn.functional.cross_entropy(
        logits(model, tokens)[:, :-1].transpose(1, 2), tokens[:, 1:], reduction="none"
    )
    scores = token_cross_entropy(model, tokens)
    assert scores.shape == (3, 9)
    torch.testing.assert_close(scores, expected, rtol=1e-4, atol=1e-5)
    # In slices of two rows of logits, as for a large vocabulary.
    monkeypatch.setattr("assay.models.cross_entropy.LOGITS_AT_ONCE", 2 * model.vocabulary_size)
    torch.testing.assert_close(token_cross_entropy(model, tokens), scores)


def test_cross_entropy_reads_shifted_positions():
    model = tiny_model("gpt2")
    tokens = random_tokens(2, 6)
    ids = torch.tensor([[0, 21, 22, 23, 24, 25]])
    expected = torch.nn.functional.cross_entropy(
        logits(model, tokens, position_ids=ids)[:, :-1].transpose(1, 2),
        tokens[:, 1:],
        reduction="none",
    )
    torch.testing.assert_close(token_cross_entropy(model, tokens, position_ids=ids), expected)


@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma2"])
def test_promoted_tokens_are_those_that_a_step_along_the_direction_raises_most(family):
    model = tiny_model(family)
    directions = torch.randn(5, model.d_model, generator=torch.Generator().manual_seed(3))
    norm = model.decoder.get_submodule(model.architecture.final_norm)
    base = torch.randn(model.d_model, generator=torch.Generator().manual_seed(4))
    base = (base - base.mean()) / base.std(correction=0)  # where the norm's scale is 1
    # A step along the base only changes the scale, which the lens leaves out.
    directions = directions - (directions @ base)[:, None] * base / base.square().sum()
    for direction, promoted in zip(directions, promoted_tokens(model, directions, 4), strict=True):
        _, raised = torch.func.jvp(lambda x: model.unembedding(norm(x)), (base,), (direction,))
        values = torch.tensor([score for _, score in promoted])
        ids = torch.tensor([int(token) for token, _ in promoted])
        assert torch.equal(ids, raised.topk(4).indices)
        torch.testing.assert_close(values, raised[ids], rtol=1e-3, atol=1e-4)


def test_sites_are_returned_in_the_order_asked_for_and_once_each():
    asked = [site("resid_post.1"), site("q.0.h2"), site("resid_post.1"), site("mlp_out.0")]
    seen = capture(tiny_model("llama"), random_tokens(1, 4), asked)
    assert list(seen) == [site("resid_post.1"), site("q.0.h2"), site("mlp_out.0")]
    assert not any(activations.requires_grad for activations in seen.values())


def test_dropout_is_off_while_reading_and_the_training_mode_is_put_back():
    model = fresh_model("gpt2")
    model.module.train()
    model.blocks[1].eval()
    modes = [child.training for child in model.module.modules()]
    top = SITES[-1]
    seen = capture(model, random_tokens(2, 6), [top])[top]
    assert torch.equal(seen, capture(tiny_model("gpt2"), random_tokens(2, 6), [top])[top])
    assert [child.training for child in model.module.modules()] == modes


def test_no_hook_stays_behind_after_reading():
    model = fresh_model("llama")
    capture(model, random_tokens(1, 4), SITES)
    hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.module.modules()]
    assert sum(hooks) == 0


BAD_SITES = {
    "resid_post.9": "layers 0 to 2, not 9",
    "q.0.h9": "q heads 0 to 8, not 9",
    "k.0.h3": "k heads 0 to 2, not 3",
}


@pytest.mark.parametrize("name", BAD_SITES)
def test_a_layer_or_head_out_of_range_is_named_with_the_valid_ones(name):
    with pytest.raises(AssayError, match=BAD_SITES[name]):
        capture(tiny_model("llama"), random_tokens(1, 4), [site(name)])


def test_sites_that_are_no_sites_are_refused():
    model = tiny_model("llama")
    with pytest.raises(AssayError, match="unknown kind of site 'pattern'"):
        capture(model, random_tokens(1, 4), [Site(0, "pattern")])
    with pytest.raises(AssayError, match="only q, k, v, z have heads"):
        capture(model, random_tokens(1, 4), [Site(0, "mlp_out", 1)])
    with pytest.raises(AssayError, match="at least one site"):
        capture(model, random_tokens(1, 4), [])


BAD_TOKENS = [
    (torch.tensor([[1, 97]]), "token id 97 is unknown to tiny gpt2; valid: 0 to 96"),
    (torch.tensor([[1, -1]]), "token id -1 is unknown"),
    (torch.tensor([1, 2]), r"shape \[batch, position\]"),
    (torch.zeros(1, 0, dtype=torch.long), "not empty"),
    (torch.tensor([[1.0, 2.0]]), "whole numbers"),
    (random_tokens(1, 65), "position 64 is outside the learned positions"),
]


@pytest.mark.parametrize(("tokens", "message"), BAD_TOKENS)
def test_tokens_that_the_model_cannot_take_are_named(tokens, message):
    with pytest.raises(AssayError, match=message):
        capture(tiny_model("gpt2"), tokens, [site("resid_pre.0")])


def test_masks_and_directions_of_the_wrong_shape_are_named():
    model = tiny_model("llama")
    with pytest.raises(AssayError, match="one entry a token"):
        capture(model, random_tokens(2, 4), SITES, attention_mask=torch.ones(2, 5))
    with pytest.raises(AssayError, match="position_ids has shape .*one entry a token"):
        capture(model, random_tokens(2, 4), SITES, position_ids=torch.arange(5)[None])
    with pytest.raises(AssayError, match=r"needs \[features, 36\]"):
        promoted_tokens(model, torch.zeros(2, 35), 3)
    with pytest.raises(AssayError, match="at least two tokens"):
        token_cross_entropy(model, random_tokens(2, 1))


def test_importing_the_room_imports_neither_torch_nor_transformers():
    code = "import sys, assay.models; print('torch' in sys.modules, 'transformers' in sys.modules)"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert output.stdout.split() == ["False", "False"], output.stderr
