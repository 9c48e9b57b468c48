"""Sites by name wherever a site is taken, and text wherever tokens are."""

from __future__ import annotations

import pytest
import torch
import transformers
from tiny_models import random_tokens, site, tiny_model

from assay.errors import AssayError
from assay.models import (
    Captured,
    Site,
    cache_prefix,
    capture,
    edit,
    generate,
    token_cross_entropy,
    tokenize_text,
    wrap_model,
)
from assay.models.streams import stream_at

TEXTS = ["a cat", "the other cat sat"]


@pytest.fixture(scope="module")
def reader(small_tokenizer):
    """A tiny Llama that reads text."""
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=len(small_tokenizer),
        hidden_size=24,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=3,
        max_position_embeddings=64,
        initializer_range=0.3,
        eos_token_id=None,
    )
    module = transformers.LlamaForCausalLM(config).eval()
    return wrap_model(module, small_tokenizer, name="reader")


def test_a_site_is_itself_or_its_name():
    assert Site.of("resid_post.2") == Site.of(Site(2, "resid_post")) == Site(2, "resid_post")
    assert Site.of("blocks.2.hook_resid_post") == Site(2, "resid_post")
    with pytest.raises(AssayError, match="unknown site 'resid.2'"):
        Site.of("resid.2")


def test_sites_may_be_named_by_strings_and_results_indexed_by_either():
    model, tokens = tiny_model("llama"), random_tokens(2, 6)
    names = ["q.0.h2", "resid_post.1"]
    seen = capture(model, tokens, names)
    expected = capture(model, tokens, [site(name) for name in names])
    assert list(seen) == list(expected) == [Site.parse(name) for name in names]
    for name in names:
        assert torch.equal(seen[name], expected[Site.parse(name)])
        assert seen[name] is seen[Site.parse(name)]
        assert name in seen
    alone = capture(model, tokens, "resid_post.1")
    assert list(alone) == [Site.parse("resid_post.1")]
    assert torch.equal(alone["blocks.1.hook_resid_post"], seen["resid_post.1"])


def test_a_site_that_was_not_captured_is_named_with_those_that_were():
    seen = capture(tiny_model("llama"), random_tokens(1, 4), ["resid_post.1"])
    assert "resid_post.0" not in seen
    assert seen.get("resid_post.0") is None
    with pytest.raises(
        AssayError, match=r"nothing was captured at resid_post\.0; captured: resid_"
    ):
        seen["resid_post.0"]
    with pytest.raises(AssayError, match="unknown site 'residual'"):
        seen["residual"]


def test_a_result_shows_its_shapes_and_not_its_numbers():
    seen = capture(tiny_model("llama"), random_tokens(2, 4), ["resid_post.1"])
    assert repr(seen) == "Captured(resid_post.1 [2, 4, 36] torch.float32)"


def test_edits_widths_and_checks_take_the_name_of_a_site():
    model, tokens = tiny_model("llama"), random_tokens(2, 6)
    assert model.site_width("q.1") == model.site_width(site("q.1")) == 36
    assert model.site_width("k.1.h1") == 4
    with pytest.raises(AssayError, match="layers 0 to 2, not 9"):
        model.check_site("resid_post.9")
    assert stream_at(model, "z.1.h2").head == 2
    with edit(model, "mlp_out.0", torch.zeros_like):
        assert not capture(model, tokens, "mlp_out.0")["mlp_out.0"].any()


def test_text_is_tokenized_behind_one_first_token_and_padded_on_the_right(reader):
    made = tokenize_text(reader, TEXTS)
    ids = reader.tokenizer(TEXTS, add_special_tokens=False)["input_ids"]
    assert made.first_token == reader.bos_token_id
    assert made.rows == [[reader.bos_token_id, *row] for row in ids]
    assert made.tokens.shape == made.attention_mask.shape == (2, 1 + len(ids[1]))
    assert made.attention_mask.sum(1).tolist() == [1 + len(row) for row in ids]
    assert made.attention_mask[0, : 1 + len(ids[0])].all()
    bare = tokenize_text(reader, TEXTS[0], first_token=False)
    assert bare.rows == [ids[0]]
    assert bare.first_token is None


def test_activations_of_texts_are_those_of_each_text_alone(reader):
    seen = capture(reader, TEXTS, ["resid_post.1"])
    assert isinstance(seen, Captured)
    lengths = seen.attention_mask.sum(1).tolist()
    for row, (text, length) in enumerate(zip(TEXTS, lengths, strict=True)):
        alone = capture(reader, text, "resid_post.1")
        assert alone.tokens.tolist() == [seen.tokens[row, :length].tolist()]
        assert alone.attention_mask.all()
        torch.testing.assert_close(
            seen["resid_post.1"][row, :length], alone["resid_post.1"][0], rtol=1e-4, atol=1e-5
        )


def test_a_capture_of_tokens_knows_its_tokens_and_mask(reader):
    tokens = random_tokens(2, 5)
    assert torch.equal(capture(reader, tokens, "q.0").tokens, tokens)
    assert capture(reader, tokens, "q.0").attention_mask.all()
    mask = torch.tensor([[0, 1, 1, 1, 1], [1, 1, 1, 1, 1]])
    assert torch.equal(capture(reader, tokens, "q.0", attention_mask=mask).attention_mask, mask)


def test_cross_entropy_of_texts_is_nan_at_padding_and_else_that_of_each_text_alone(reader):
    scores = token_cross_entropy(reader, TEXTS)
    mask = tokenize_text(reader, TEXTS).attention_mask[:, 1:].bool()
    assert torch.equal(scores.isnan(), ~mask)
    for row, text in enumerate(TEXTS):
        alone = token_cross_entropy(reader, text)[0]
        torch.testing.assert_close(scores[row][mask[row]], alone, rtol=1e-4, atol=1e-5)


def test_text_prompts_are_continued_as_text(reader):
    prompts = tokenize_text(reader, TEXTS).rows
    by_tokens = generate(reader, prompts, max_new_tokens=5)
    by_text = generate(reader, TEXTS, max_new_tokens=5)
    assert by_text == [reader.tokenizer.decode(row) for row in by_tokens]
    assert generate(reader, TEXTS[0], max_new_tokens=5) == by_text[:1]
    drawn = generate(reader, TEXTS, max_new_tokens=5, temperature=1.0, seed=3)
    assert drawn == [
        reader.tokenizer.decode(row)
        for row in generate(reader, prompts, max_new_tokens=5, temperature=1.0, seed=3)
    ]


def test_text_continues_a_prefix_without_a_second_first_token(reader):
    prefix = cache_prefix(reader, "the other ")
    assert prefix.tokens[0, 0] == reader.bos_token_id
    continued = capture(reader, "cat sat", "resid_post.1", prefix=prefix)
    assert continued.tokens.tolist() == tokenize_text(reader, "cat sat", first_token=False).rows
    whole = capture(reader, "the other cat sat", "resid_post.1")["resid_post.1"]
    torch.testing.assert_close(
        continued["resid_post.1"], whole[:, prefix.length :], rtol=1e-4, atol=1e-5
    )


def test_text_that_cannot_be_read_is_refused_in_words(reader):
    with pytest.raises(AssayError, match="tiny llama has no tokenizer"):
        capture(tiny_model("llama"), "a cat", "resid_post.0")
    with pytest.raises(AssayError, match="text 1 is empty"):
        tokenize_text(reader, ["a", ""], first_token=False)
    with pytest.raises(AssayError, match="without an attention_mask"):
        capture(reader, TEXTS, "resid_post.0", attention_mask=torch.ones(2, 3))
    with pytest.raises(AssayError, match="not list"):
        capture(reader, [[1, 2, 3]], "resid_post.0")
