"""The crossed design on tiny random models: GPT-2, Llama, and position-infused attention."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tiny_position_models import (
    LENGTH,
    SIZES,
    VOCABULARY,
    WIDTH,
    random_crops,
    random_dictionary,
    tiny_gpt2,
    tiny_llama,
)

from assay.errors import AssayError
from assay.models import Site, capture, wrap_model
from assay.models.architectures import architecture_of
from assay.position import audit_position
from assay.position.crossed.causal_audit import audit_causally
from assay.position.crossed.contents_and_fillers import choose_texts
from assay.position.crossed.design_cells import (
    constant_shift_cells,
    filler_cells,
    run_cell,
    shifted_cells,
)
from assay.position.crossed.treatments import offset_grid
from assay.position.label_summary import head_of_features


def texts_for(model, crops, fillers=4):
    offsets = offset_grid(model, LENGTH, 3)
    options = {"contents": 30, "content_length": None, "offsets": offsets, "fillers": fillers}
    return choose_texts(crops, **options, seed=0), offsets


def test_a_constant_shift_of_ids_is_a_no_op_on_a_rotary_model():
    model, site = tiny_llama(), Site.parse("resid_post.1")
    found = audit_causally(model, random_dictionary(), site, random_crops(), sizes=SIZES)
    assert found.treatment.inserts_text
    assert found.noise_floor is not None
    assert found.noise_floor < 1e-6
    texts, offsets = texts_for(model, random_crops())
    seen = [
        run_cell(model, cell, texts.contents, site)
        for cell in constant_shift_cells(texts, (0, *offsets[1:]))
    ]
    for other in seen[1:]:
        torch.testing.assert_close(other, seen[0], atol=1e-4, rtol=1e-4)


def test_the_distance_to_the_sink_does_change_a_rotary_model_and_is_no_label():
    model = tiny_llama()
    found = audit_causally(
        model, random_dictionary(), Site.parse("resid_post.1"), random_crops(), sizes=SIZES
    )
    assert found.sink_distance is not None
    distance = found.sink_distance.shares
    common = distance.firing_documents >= 20
    assert common.any()
    assert np.median(distance.s_int[common]) > 1e3 * found.noise_floor
    assert len(found.labels) == 48


@pytest.mark.parametrize("make", [tiny_gpt2, tiny_llama])
def test_the_content_sees_the_first_token_across_the_gap(make):
    """With position ids that jump, a forward pass without a mask would split the row in two."""
    model = make()
    texts, _ = texts_for(model, random_crops(), fillers=0)
    site = Site.parse("resid_post.1")
    (_, far) = shifted_cells(texts, (0, 40))
    other_first = replace(far, lead=torch.tensor([7]))
    seen = run_cell(model, far, texts.contents, site)
    changed = run_cell(model, other_first, texts.contents, site)
    assert (seen - changed).abs().amax(dim=-1).min() > 1e-5


def test_a_cached_filler_gives_what_running_it_every_time_gives():
    model, site = tiny_llama(), Site.parse("resid_post.1")
    texts, _ = texts_for(model, random_crops())
    cells = filler_cells(model, texts)
    assert [(cell.offset, cell.filler) for cell in cells] == [
        (k, r) for k in range(3) for r in range(4)
    ]
    for cell in (cells[0], cells[-1]):
        filler = texts.fillers[cell.offset][cell.filler]
        before = torch.cat([torch.tensor([0]), filler]).expand(len(texts.contents), -1)
        whole = torch.cat([before, texts.contents], dim=1)
        plain = capture(model, whole, [site])[site][:, before.shape[1] :]
        seen = run_cell(model, cell, texts.contents, site)
        torch.testing.assert_close(seen, plain, atol=1e-4, rtol=1e-4)


def test_learned_positions_shift_the_ids_and_keep_the_first_token_in_place():
    model, site = tiny_gpt2(), Site.parse("resid_pre.0")
    texts, offsets = texts_for(model, random_crops(), fillers=0)
    assert offsets == (0, 36, 72)
    embedding = model.module.transformer
    for cell, offset in zip(shifted_cells(texts, offsets), offsets, strict=True):
        assert cell.position_ids.tolist() == [0, *range(1 + offset, LENGTH + offset)]
        expected = embedding.wte(texts.contents) + embedding.wpe(cell.position_ids[1:])
        torch.testing.assert_close(run_cell(model, cell, texts.contents, site), expected)


def test_a_direction_of_the_position_embedding_is_labelled_position_and_a_token_content():
    model = tiny_gpt2()
    embedding = model.module.transformer
    position, token = torch.eye(WIDTH)[:2]
    with torch.no_grad():
        embedding.wpe.weight.mul_(0.01)
        embedding.wte.weight.mul_(0.01)
        embedding.wpe.weight[:] += torch.linspace(1, 9, 96)[:, None] * position
        embedding.wte.weight[:] += torch.linspace(1, 9, VOCABULARY)[:, None] * token
    dictionary = random_dictionary(width=4, k=4)
    rows = torch.stack([position, token, (position + token) / 2**0.5, torch.eye(WIDTH)[2]])
    dictionary.W_enc.data, dictionary.W_dec.data = rows, rows.clone()
    dictionary.b_enc.data = torch.tensor([0.0, 0.0, 0.0, -100.0])
    audit = audit_position(
        model, dictionary, Site.parse("resid_pre.0"), random_crops(), causal=SIZES
    )
    assert audit.causal.labels == ["position", "content", "additive", "too rare"]
    assert audit.summary.well_separated == pytest.approx(2 / 3)
    assert audit.summary.not_too_rare == 3
    assert audit.observational.levels["no_sink"].eta2_split_half[0] > 0.99


def test_the_sum_of_squares_over_tokens_keeps_the_document_as_unit():
    found = audit_causally(
        tiny_gpt2(),
        random_dictionary(),
        Site.parse("resid_post.0"),
        random_crops(rows=60, crops_a_document=2),
        sizes=SIZES,
    )
    assert found.shares.documents == 30
    assert found.contents == 40
    assert found.shares.contents == 40 * (LENGTH - 1 - 8)
    assert found.shares.firing_documents.max() <= 30


def test_fillers_come_from_documents_that_give_no_content():
    crops = random_crops(rows=80, crops_a_document=2)
    texts, _ = texts_for(tiny_llama(), crops)
    assert texts.fillers_from_other_documents
    by_tokens = {
        tuple(row.tolist()): d for row, d in zip(crops.tokens[:, 1:], crops.documents, strict=True)
    }
    piece = tuple(texts.fillers[-1][0][: LENGTH - 1].tolist())
    assert by_tokens[piece] not in set(texts.documents.tolist())
    assert [len(filler) for filler, *_ in texts.fillers] == [24, 48, 72]
    assert sorted(texts.documents.tolist()) == texts.documents.tolist()


def test_a_content_with_a_massive_token_in_any_cell_is_dropped():
    model, site = tiny_gpt2(), Site.parse("resid_pre.0")
    crops = random_crops()
    with torch.no_grad():
        model.module.transformer.wte.weight[5] *= 500
    found = audit_causally(model, random_dictionary(), site, crops, sizes=SIZES)
    texts = choose_texts(
        crops, contents=40, content_length=None, offsets=(0, 36, 72), fillers=0, seed=0
    )
    massive = int((texts.contents == 5).any(1).sum())
    assert 0 < massive < 40
    assert (found.dropped, found.contents) == (massive, 40 - massive)


def test_an_offset_that_changes_the_models_predictions_is_left_out():
    model = tiny_gpt2()
    with torch.no_grad():
        # Beyond position 60 the model can only say token 7.
        stuck = torch.nn.functional.normalize(torch.randn(WIDTH), dim=0)
        model.module.transformer.wpe.weight[60:] = stuck
        model.module.lm_head.weight[7] = 0.6 * stuck
    found = audit_causally(
        model, random_dictionary(), Site.parse("resid_post.1"), random_crops(), sizes=SIZES
    )
    assert [check.used for check in found.checks] == [True, True, False]
    assert found.checks[2].rest > 0.2
    assert found.offsets == (0, 36)
    assert "72 left out" in found.guard


def test_offsets_beyond_the_trained_length_are_refused():
    with pytest.raises(AssayError, match="trained for 96 positions"):
        offset_grid(tiny_gpt2(), LENGTH, 3, largest=80)


def test_an_unknown_position_scheme_is_refused_with_the_known_ones():
    model = tiny_llama()
    strange = replace(model, architecture=replace(model.architecture, position_scheme="spiral"))
    with pytest.raises(AssayError, match=r"'spiral'.*known: learned_absolute.*causal=None"):
        audit_causally(strange, random_dictionary(), Site.parse("resid_post.1"), random_crops())


class PositionInfused(torch.nn.Module):
    """One block of attention with Q = x + p, K = x + p, V = x (Press et al. 2021)."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.embedding = torch.nn.Embedding(VOCABULARY, WIDTH)
        self.positions = torch.nn.Embedding(96, WIDTH)
        self.positions.weight.data.mul_(0.5)
        self.blocks = torch.nn.ModuleList([self.Block()])
        self.final_norm = torch.nn.LayerNorm(WIDTH)

    class Block(torch.nn.Module):
        def forward(self, x, p):
            scores = (x + p) @ (x + p).transpose(1, 2) / WIDTH**0.5
            scores = scores.masked_fill(torch.ones(scores.shape[1:]).triu(1).bool(), -torch.inf)
            return x + scores.softmax(-1) @ x

    def forward(self, input_ids, position_ids, **_):
        x, p = self.embedding(input_ids), self.positions(position_ids)
        for block in self.blocks:
            x = block(x, p)
        return SimpleNamespace(last_hidden_state=self.final_norm(x))


def test_position_infused_attention_has_no_position_in_the_input_of_its_first_block():
    module = torch.nn.Module()
    module.decoder, module.lm_head = PositionInfused(), torch.nn.Linear(WIDTH, VOCABULARY)
    module.config = SimpleNamespace(
        num_hidden_layers=1,
        num_attention_heads=1,
        hidden_size=WIDTH,
        vocab_size=VOCABULARY,
        max_position_embeddings=96,
    )
    row = replace(
        architecture_of("gpt2"),
        position_scheme="position_infused",
        decoder="decoder",
        blocks="blocks",
        embedding="embedding",
        final_norm="final_norm",
    )
    model = wrap_model(module.eval(), architecture=row)
    dictionary, crops = random_dictionary(), random_crops()
    before = audit_causally(model, dictionary, Site.parse("resid_pre.0"), crops, sizes=SIZES)
    np.testing.assert_allclose(before.shares.t_pos, 0, atol=1e-6)
    after = audit_causally(model, dictionary, Site.parse("resid_post.0"), crops, sizes=SIZES)
    assert np.median(after.shares.t_pos) > 1e-5


def test_a_feature_belongs_to_the_head_that_holds_most_of_its_decoder_norm():
    dictionary = random_dictionary(width=4, k=2, d_in=WIDTH)
    per_head = WIDTH // 4
    with torch.no_grad():
        dictionary.W_dec.mul_(0.01)
        for feature, head in enumerate((2, 0, 3, 2)):
            dictionary.W_dec[feature, head * per_head + 1] = 1.0
    model = tiny_llama()
    assert head_of_features(model, dictionary, Site.parse("q.1")).tolist() == [2, 0, 3, 2]
    narrow = random_dictionary(width=4, k=2, d_in=WIDTH // 2)
    assert set(head_of_features(model, narrow, Site.parse("k.1")).tolist()) <= {0, 1}
    assert head_of_features(model, dictionary, Site.parse("q.1.h3")).tolist() == [3] * 4
    assert head_of_features(model, dictionary, Site.parse("resid_post.1")) is None


def test_the_same_seed_gives_the_same_audit_and_an_observer_sees_every_token_once():
    model, crops = tiny_llama(), random_crops(rows=40, crops_a_document=2)
    options = {"causal": None, "permutations": 10}
    site = Site.parse("resid_post.1")
    one = audit_position(model, random_dictionary(), site, crops, **options).result()
    again = audit_position(model, random_dictionary(), site, crops, **options).result()
    assert one == again
    shown = []
    audit_position(
        model,
        random_dictionary(),
        site,
        crops,
        **options,
        observe=lambda codes, first, out: shown.append((first, len(codes), int(out.sum()))),
    )
    assert sum(tokens for _, tokens, _ in shown) == crops.tokens.numel()
    assert sum(out for *_, out in shown) >= 40


def test_a_dictionary_of_another_width_is_refused():
    with pytest.raises(AssayError, match="width 16, but resid_post.0 of tiny GPT-2 has width 32"):
        audit_position(
            tiny_gpt2(), random_dictionary(d_in=16), Site.parse("resid_post.0"), random_crops()
        )
