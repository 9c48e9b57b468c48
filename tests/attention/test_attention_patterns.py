"""Patterns equal transformers' own attention weights; what is not identified changes no figure."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
import transformers
from planted_attention import unrotated

from assay.attention import attention_layer, log_patterns, pattern_kl, read_attention
from assay.attention.feature_pairs import flatness, relative_kernels
from assay.attention.layer_attention import HALF_SPLIT, UNROTATED
from assay.errors import AssayError
from assay.models import wrap_model

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
from tiny_models import FAMILIES, configuration, random_tokens, tiny_model


def eager(family):
    config = configuration(family)
    if getattr(config, "sliding_window", None):
        config.sliding_window = None
    torch.manual_seed(0)
    module = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.dim() > 1:
                parameter.mul_(4.0)
    return wrap_model(module.eval(), name=family)


@pytest.mark.parametrize("family", [*HALF_SPLIT, *UNROTATED])
@pytest.mark.parametrize("layer", [0, 2])
def test_patterns_are_those_of_transformers(family, layer):
    model = eager(family)
    tokens = random_tokens(2, 11)
    attention = attention_layer(model, layer)
    sample = read_attention(model, attention, tokens, "reading")
    with torch.no_grad():
        expected = model.module(tokens, output_attentions=True).attentions[layer]
    found = log_patterns(attention, sample.q, sample.k).exp()
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
    assert found.std() > 0.05


def test_other_families_and_windows_are_refused_by_name():
    for family in sorted(set(FAMILIES) - {*HALF_SPLIT, *UNROTATED, "gpt_neox_sequential"}):
        with pytest.raises(
            AssayError, match="how .* models turn queries and keys .* known families"
        ):
            attention_layer(tiny_model(family), 0)
    attention = attention_layer(tiny_model("mistral"), 0)
    assert attention.window == 5
    with pytest.raises(AssayError, match="sees 5 keys, and crops have 11 tokens"):
        read_attention(tiny_model("mistral"), attention, random_tokens(1, 11), "reading")
    with pytest.raises(AssayError, match="layers 0 to 2, not 9"):
        attention_layer(tiny_model("llama"), 9)


def test_divergences_are_those_of_the_definition_and_ignore_constants_of_a_row():
    generator = torch.Generator().manual_seed(1)
    scores = [torch.randn(2, 3, 6, 6, generator=generator) for _ in range(2)]
    later = torch.ones(6, 6, dtype=torch.bool).triu(1)
    true, other = (s.masked_fill(later, -torch.inf).log_softmax(dim=-1) for s in scores)
    kl, kl0 = pattern_kl(true, other), pattern_kl(true, other, without_first=True)
    p, q = true[1, 2, 4, :5].exp(), other[1, 2, 4, :5].exp()
    assert float(kl[1, 2, 3]) == pytest.approx(float((p * (p / q).log()).sum()), abs=1e-6)
    p, q = p[1:] / p[1:].sum(), q[1:] / q[1:].sum()
    assert float(kl0[1, 2, 3]) == pytest.approx(float((p * (p / q).log()).sum()), abs=1e-6)
    assert torch.allclose(pattern_kl(true, true), torch.zeros(()), atol=1e-7)
    moved = (scores[1] + torch.randn(2, 3, 6, 1, generator=generator)).masked_fill(
        later, -torch.inf
    )
    torch.testing.assert_close(pattern_kl(true, moved.log_softmax(dim=-1)), kl)


def test_a_random_gauge_changes_no_pattern():
    generator = torch.Generator().manual_seed(2)
    attention = unrotated(head_dim=6)
    q, k = (torch.randn(3, 9, 6, generator=generator) for _ in range(2))
    gauge = torch.randn(6, 6, generator=generator) + 3 * torch.eye(6)
    expected = log_patterns(attention, q, k)
    found = log_patterns(attention, q @ gauge, k @ torch.linalg.inv(gauge).T)
    seen = torch.isfinite(expected)
    torch.testing.assert_close(found[seen], expected[seen], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("rotated", [0, 3])
def test_a_kernel_is_the_score_of_rotated_features_at_every_distance(rotated):
    generator = torch.Generator().manual_seed(3)
    frequencies = torch.rand(rotated, generator=generator)
    attention = unrotated(head_dim=8, frequencies=frequencies.tolist())
    u, v = (torch.randn(4, 8, generator=generator) for _ in range(2))
    kernels = relative_kernels(attention, u, v, torch.arange(10).float())
    for pair in range(4):
        # A query of u at position 9, keys of v everywhere: the scores are κ(9), κ(8), … κ(0).
        q, k = u[pair].expand(1, 10, 8), v[pair].expand(1, 10, 8)
        logs = log_patterns(attention, q, k)[0, 0, 9]
        expected = kernels[pair].flip(0)
        torch.testing.assert_close(logs - logs[0], expected - expected[0], atol=1e-5, rtol=1e-4)
    assert flatness(torch.ones(5)) == pytest.approx(1.0)
    assert flatness(torch.tensor([1.0, -1.0])) == pytest.approx(0.0)
