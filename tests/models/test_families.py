"""Every family's sites, against transformers' own outputs and against weights used by hand."""

import pytest
import torch
from tiny_models import ALL_SITES, FAMILIES, LAYERS, random_tokens, site, tiny_model
from torch.nn.functional import linear

from assay.models import capture

pytestmark = pytest.mark.parametrize("family", FAMILIES)
TOKENS = random_tokens(2, 11)
CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def rms(x, weight, eps, offset=0.0):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * (weight + offset)


def layer_norm(x, norm):
    return torch.nn.functional.layer_norm(x, x.shape[-1:], norm.weight, norm.bias, norm.eps)


def heads(x, count):
    return x.unflatten(-1, (count, -1))


def projections_by_hand(model, family, block, resid):
    """q, k, v of a block from its input, each [batch, position, heads, head_dim]."""
    H, G, D = model.n_heads, model.n_kv_heads, model.head_dim
    if family == "gpt2":
        qkv = layer_norm(resid, block.ln_1) @ block.attn.c_attn.weight + block.attn.c_attn.bias
        return [heads(part, H) for part in qkv.split(H * D, dim=-1)]
    if family in ("gpt_neox", "gpt_neox_sequential", "bloom"):
        attention = block.self_attention if family == "bloom" else block.attention
        weight = attention.query_key_value.weight.view(H, 3, D, -1)
        bias = attention.query_key_value.bias.view(H, 3, D)
        normed = layer_norm(resid, block.input_layernorm)
        return [torch.einsum("bpm,hdm->bphd", normed, weight[:, i]) + bias[:, i] for i in range(3)]
    attention, eps = block.self_attn, model.module.config.rms_norm_eps
    offset = 1.0 if family.startswith("gemma") else 0.0
    normed = resid if family == "olmo2" else rms(resid, block.input_layernorm.weight, eps, offset)
    if family == "phi3":
        weights = attention.qkv_proj.weight.split([H * D, G * D, G * D])
        q, k, v = (linear(normed, weight) for weight in weights)
    else:
        q, k, v = (
            linear(normed, part.weight, part.bias)
            for part in (attention.q_proj, attention.k_proj, attention.v_proj)
        )
    if family == "olmo2":
        q, k = rms(q, attention.q_norm.weight, eps), rms(k, attention.k_norm.weight, eps)
    q, k, v = heads(q, H), heads(k, G), heads(v, G)
    if family in ("qwen3", "gemma3_text"):
        q = rms(q, attention.q_norm.weight, eps, offset)
        k = rms(k, attention.k_norm.weight, eps, offset)
    return [q, k, v]


def test_residual_stream_equals_the_hidden_states_of_transformers(family):
    model = tiny_model(family)
    seen = capture(model, TOKENS, ALL_SITES)
    mask = torch.ones_like(TOKENS)
    with torch.no_grad():
        output = model.module(TOKENS, attention_mask=mask, output_hidden_states=True)
    for layer in range(LAYERS):
        assert torch.equal(seen[site(f"resid_pre.{layer}")], output.hidden_states[layer])
        if layer + 1 < LAYERS:
            assert torch.equal(seen[site(f"resid_post.{layer}")], output.hidden_states[layer + 1])
    # transformers' last hidden state comes after the final norm.
    norm = model.decoder.get_submodule(model.architecture.final_norm)
    last = seen[site(f"resid_post.{LAYERS - 1}")]
    with torch.no_grad():
        torch.testing.assert_close(norm(last), output.hidden_states[LAYERS])
    assert not torch.allclose(last, output.hidden_states[LAYERS])


def test_queries_keys_and_values_equal_those_recomputed_from_the_weights(family):
    model = tiny_model(family)
    seen = capture(model, TOKENS, ALL_SITES)
    for layer in range(LAYERS):
        resid = seen[site(f"resid_pre.{layer}")]
        with torch.no_grad():
            by_hand = projections_by_hand(model, family, model.blocks[layer], resid)
        for kind, expected in zip("qkv", by_hand, strict=True):
            torch.testing.assert_close(seen[site(f"{kind}.{layer}")], expected.flatten(2), **CLOSE)


def test_one_head_is_its_slice_of_all_heads(family):
    model = tiny_model(family)
    for kind in "qkvz":
        whole = capture(model, TOKENS, [site(f"{kind}.1")])[site(f"{kind}.1")]
        count = model.n_kv_heads if kind in "kv" else model.n_heads
        assert whole.shape[-1] == model.site_width(site(f"{kind}.1")) == count * model.head_dim
        for head in range(count):
            one = site(f"{kind}.1.h{head}")
            activations = capture(model, TOKENS, [one])[one]
            assert torch.equal(activations, heads(whole, count)[:, :, head])
            assert activations.shape[-1] == model.site_width(one)


def test_head_outputs_through_the_output_projection_are_what_attention_adds(family):
    model = tiny_model(family)
    seen = capture(model, TOKENS, ALL_SITES)
    for layer in range(LAYERS):
        block, z = model.blocks[layer], seen[site(f"z.{layer}")]
        projection = block.get_submodule(model.architecture.output_projection)
        weight = projection.weight.T if family == "gpt2" else projection.weight
        with torch.no_grad():
            added = linear(z, weight, projection.bias)
            if family in ("olmo2", "gemma2", "gemma3_text"):
                offset = 0.0 if family == "olmo2" else 1.0
                norm = block.post_attention_layernorm
                added = rms(added, norm.weight, model.module.config.rms_norm_eps, offset)
        torch.testing.assert_close(added, seen[site(f"attn_out.{layer}")], **CLOSE)


def test_head_outputs_are_attention_over_captured_queries_keys_and_values(family):
    model = tiny_model(family)
    layer = 1  # full attention in every family but mistral
    seen = capture(model, TOKENS, ALL_SITES)
    q, k, v = (
        heads(seen[site(f"{kind}.{layer}")], model.heads_at(kind)).transpose(1, 2) for kind in "qkv"
    )
    if model.position_scheme == "rotary":
        q, k = rotated(model, q, k, layer)
    k, v = (x.repeat_interleave(model.n_heads // model.n_kv_heads, dim=1) for x in (k, v))
    scale = model.head_dim**-0.5
    scores = q @ k.transpose(-1, -2) * scale
    position = torch.arange(TOKENS.shape[1])
    distance = position[:, None] - position
    if family == "bloom":
        slopes = 2.0 ** (-8.0 * torch.arange(1, 5) / 4)  # Press et al. 2022: 4 heads, then 1 more
        slopes = torch.cat([slopes, torch.tensor([2.0**-1])])
        scores = scores - slopes[:, None, None] * distance
    cap = getattr(model.module.config, "attn_logit_softcapping", None)
    if cap is not None:
        scores = torch.tanh(scores / cap) * cap
    hidden = distance < 0
    if family == "mistral":
        hidden = hidden | (distance >= 5)
    z = scores.masked_fill(hidden, float("-inf")).softmax(-1) @ v
    torch.testing.assert_close(
        z.transpose(1, 2).flatten(2), seen[site(f"z.{layer}")], rtol=1e-3, atol=1e-5
    )


def rotated(model, q, k, layer):
    """Queries and keys turned by their positions (Su et al. 2021), half-split layout."""
    types = getattr(model.module.config, "layer_types", None)
    arguments = [q, torch.arange(q.shape[2])[None]]
    if model.architecture.family == "gemma3_text":
        arguments.append(types[layer])
    cos, sin = model.decoder.rotary_emb(*arguments)
    width = cos.shape[-1]

    def turn(x):
        turned, rest = x[..., :width], x[..., width:]
        half = torch.cat([-turned[..., width // 2 :], turned[..., : width // 2]], -1)
        return torch.cat([turned * cos[:, None] + half * sin[:, None], rest], -1)

    return turn(q), turn(k)


def test_a_block_adds_its_attention_and_mlp_outputs_to_the_residual_stream(family):
    seen = capture(tiny_model(family), TOKENS, ALL_SITES)
    for layer in range(LAYERS):
        total = sum(seen[site(f"{kind}.{layer}")] for kind in ("resid_pre", "attn_out", "mlp_out"))
        torch.testing.assert_close(total, seen[site(f"resid_post.{layer}")], **CLOSE)


def test_the_forward_pass_stops_at_the_deepest_site_and_never_reaches_the_unembedding(family):
    model = tiny_model(family)

    def refuse(module, *args):
        raise AssertionError("ran beyond the deepest site")

    beyond = [
        model.blocks[2],
        model.unembedding,
        model.decoder.get_submodule(model.architecture.final_norm),
        model.blocks[1].get_submodule(model.architecture.output_projection),
    ]
    guards = [module.register_forward_pre_hook(refuse) for module in beyond]
    try:
        seen = capture(model, TOKENS, [site("resid_post.0"), site("q.1")])
        with pytest.raises(AssertionError):
            capture(model, TOKENS, [site("resid_post.1")])
    finally:
        for guard in guards:
            guard.remove()
    assert torch.equal(seen[site("q.1")], capture(model, TOKENS, ALL_SITES)[site("q.1")])
