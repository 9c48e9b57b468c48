"""What is read from a model on a GPU equals what is read on the CPU."""

import pytest
import torch

from assay.models import Site, capture, edit, generate, token_cross_entropy

pytestmark = pytest.mark.gpu

SITES = [
    Site.parse(f"{kind}.2")
    for kind in ("resid_pre", "resid_post", "attn_out", "mlp_out", "q", "k", "v", "z")
]
TOLERANCE = 1e-4
"""Of float32 activations and nats, relative to the largest."""


def close(found, expected):
    found, expected = found.cpu(), expected.cpu()
    return float((found - expected).abs().max()) <= TOLERANCE * float(expected.abs().max())


def test_activations_at_every_kind_of_site(on_cpu, on_device, device, crops):
    tokens = crops.tokens[:16]
    expected = capture(on_cpu, tokens, SITES)
    found = capture(on_device, tokens, SITES)
    for site in SITES:
        assert found[site].device.type == device.type
        assert close(found[site], expected[site]), site


def test_cross_entropy_with_and_without_an_edit(on_cpu, on_device, crops):
    tokens, site = crops.tokens[:16], Site.parse("resid_post.1")

    def half(x):
        return 0.5 * x

    results = []
    for model in (on_cpu, on_device):
        plain = token_cross_entropy(model, tokens)
        with edit(model, site, half):
            results.append((plain, token_cross_entropy(model, tokens)))
    (plain, edited), (found_plain, found_edited) = results
    assert close(found_plain, plain)
    assert close(found_edited, edited)
    assert not close(edited, plain)


def test_greedy_generation_gives_the_same_tokens(on_cpu, on_device, crops):
    prompts = [row[: 5 + i].tolist() for i, row in enumerate(crops.tokens[:6])]
    expected = generate(on_cpu, prompts, max_new_tokens=8)
    assert generate(on_device, prompts, max_new_tokens=8) == expected


def test_activations_in_bfloat16_are_finite_and_near(on_cpu, build_model, device, crops):
    low = build_model(device)
    low.module.to(torch.bfloat16)
    site = Site.parse("resid_post.2")
    found = capture(low, crops.tokens[:16], [site])[site].float().cpu()
    expected = capture(on_cpu, crops.tokens[:16], [site])[site]
    difference = (found - expected).norm() / expected.norm()
    assert float(difference) < 0.03
