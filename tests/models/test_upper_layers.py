"""Running only the upper layers again gives what a whole edited run gives, in every family."""

from __future__ import annotations

import pytest
import torch
from tiny_models import FAMILIES, LAYERS, VOCABULARY, tiny_model

from assay.models import Site, capture, edit
from assay.models.forward import decoder_inputs, run_decoder
from assay.models.upper_layers import cache_lower_layers

SITES = ("resid_post.0", "resid_pre.1", "mlp_out.1", f"resid_post.{LAYERS - 1}", "resid_pre.0")
FIRST = (3, 7, 1)
LENGTHS = (9, 12, 6)


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(3, VOCABULARY, (3, max(LENGTHS)), generator=generator)
    mask = (torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]).long()
    return tokens * mask, mask


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("site", SITES)
def test_an_edited_copy_gives_what_a_whole_edited_run_gives(family, site, batch):
    model = tiny_model(family)
    tokens, mask = batch
    upper = cache_lower_layers(model, site, tokens, mask, FIRST)
    read = capture(model, tokens, [site], attention_mask=mask)[site]
    for row, (start, end) in enumerate(zip(FIRST, LENGTHS, strict=True)):
        assert int(upper.is_token[row].sum()) == end - start
        seen = upper.activations[row, : end - start]
        torch.testing.assert_close(seen, read[row, start:end], rtol=1e-4, atol=1e-5)
    change = torch.randn(2, *upper.activations.shape, generator=torch.Generator().manual_seed(1))
    found = upper.run(upper.activations + change)
    for copy in range(2):

        def changed(activations, copy=copy):
            new = activations.clone()
            for row, (start, end) in enumerate(zip(FIRST, LENGTHS, strict=True)):
                new[row, start:end] += change[copy, row, : end - start]
            return new

        with edit(model, site, changed):
            wanted = run_decoder(model, decoder_inputs(model, tokens, mask))
        for row, (start, end) in enumerate(zip(FIRST, LENGTHS, strict=True)):
            torch.testing.assert_close(
                found[copy, row, : end - start], wanted[row, start:end], rtol=1e-3, atol=1e-4
            )


def test_the_blocks_below_are_skipped_and_put_back(batch):
    model = tiny_model("llama")
    tokens, mask = batch
    upper = cache_lower_layers(model, "resid_post.1", tokens, mask, FIRST)
    ran = []
    hooks = [
        block.mlp.register_forward_hook(lambda *args, layer=layer: ran.append(layer))
        for layer, block in enumerate(model.blocks)
    ]
    upper.run(upper.activations[None])
    assert ran == [2]
    run_decoder(model, decoder_inputs(model, tokens, mask))
    assert ran == [2, 0, 1, 2]
    for hook in hooks:
        hook.remove()
    assert Site.of("resid_post.1").layer == 1
