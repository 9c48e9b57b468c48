"""Quality figures against plain formulas, and cross-entropy recovered on tiny models."""

import numpy as np
import pytest
import torch

from assay.dictionaries import (
    BatchTopK,
    ReluL1,
    TopK,
    cross_entropy_recovered,
    reconstruction_quality,
)
from assay.errors import AssayError
from assay.models import Site, capture, edit, token_cross_entropy, wrap_model

D_IN = 8


def exact_dictionary(d_in):
    """x = Σ ReLU(x_i) e_i + Σ ReLU(−x_i) (−e_i): reconstructs everything."""
    dictionary = ReluL1(d_in, 2 * d_in)
    both = torch.cat([torch.eye(d_in), -torch.eye(d_in)])
    dictionary.W_enc.data.copy_(both)
    dictionary.W_dec.data.copy_(both)
    return dictionary


def random_dictionary(seed=0, width=32):
    torch.manual_seed(seed)
    dictionary = BatchTopK(D_IN, width, 4)
    for parameter in dictionary.parameters():
        parameter.data.normal_().mul_(0.3)
    dictionary.threshold.fill_(0.2)
    return dictionary


def batches(count=4, rows=50, seed=1):
    generator = torch.Generator().manual_seed(seed)
    for number in range(count):
        x = torch.randn(rows, D_IN, generator=generator) + 3
        left_out = torch.arange(rows) % 10 == 0
        x[left_out] *= 100
        # Documents continue from one batch into the next.
        yield x, left_out, torch.arange(rows) // 20 + 2 * number


def whole():
    return tuple(torch.cat(parts) for parts in zip(*batches(), strict=True))


def test_variance_unexplained_with_and_without_the_sink_follows_its_definition():
    dictionary = random_dictionary()
    quality = reconstruction_quality(dictionary, batches())
    x, left_out, _ = whole()
    error = (dictionary(x) - x).double().square().sum(1)

    def unexplained(rows):
        spread = (x[rows].double() - x[rows].double().mean(0)).square().sum()
        return float(error[rows].sum() / spread)

    assert quality.unexplained == pytest.approx(unexplained(~left_out), rel=1e-6)
    assert quality.unexplained_with_sink == pytest.approx(
        unexplained(torch.ones_like(left_out)), rel=1e-6
    )
    assert quality.unexplained != pytest.approx(quality.unexplained_with_sink, rel=0.2)
    assert (quality.rows, quality.rows_left_out) == (180, 20)


def test_l0_dead_features_and_densities_follow_their_definitions():
    dictionary = random_dictionary(width=200)
    dictionary.b_enc.data[:17] = -1e6
    quality = reconstruction_quality(dictionary, batches())
    x, left_out, _ = whole()
    fires = (dictionary.encode(x).dense() > 0)[~left_out].double()
    assert quality.l0 == pytest.approx(float(fires.sum(1).mean()))
    np.testing.assert_allclose(quality.density, fires.mean(0).numpy())
    assert quality.dead_fraction == float((fires.sum(0) == 0).double().mean()) >= 17 / 200
    assert quality.density_histogram.sum() == int((fires.sum(0) > 0).sum())


def test_sums_by_document_give_the_figures_of_any_subset_of_documents():
    dictionary = random_dictionary()
    quality = reconstruction_quality(dictionary, batches())
    x, left_out, documents = whole()
    kept = quality.sums.documents != 3
    without = reconstruction_quality(
        dictionary, [(x[documents != 3], left_out[documents != 3], documents[documents != 3])]
    )
    assert quality.sums.unexplained(kept) == pytest.approx(without.unexplained, rel=1e-9)
    assert quality.sums.l0(kept) == pytest.approx(without.l0, rel=1e-12)
    assert quality.sums.documents.tolist() == sorted(set(documents.tolist()))


def test_exact_dictionary_leaves_nothing_unexplained():
    quality = reconstruction_quality(exact_dictionary(D_IN), batches())
    assert quality.unexplained < 1e-12
    assert quality.l0 == pytest.approx(D_IN)


def test_rows_that_cannot_be_measured_are_refused():
    dictionary = random_dictionary()
    x, left_out, documents = whole()
    with pytest.raises(AssayError, match="all are left out"):
        reconstruction_quality(dictionary, [(x, torch.ones_like(left_out), documents)])
    with pytest.raises(AssayError, match="no rows"):
        reconstruction_quality(dictionary, [])
    bad = x.clone()
    bad[3, 3] = float("nan")
    with pytest.raises(AssayError, match="batch 2 holds NaN"):
        reconstruction_quality(dictionary, [(x, left_out, documents), (bad, left_out, documents)])


@pytest.fixture(scope="module")
def model():
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=64,
        hidden_size=24,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=3,
        num_key_value_heads=1,
        max_position_embeddings=64,
        initializer_range=0.4,
    )
    return wrap_model(LlamaForCausalLM(config).eval(), name="tiny")


SITE = Site.parse("resid_post.1")


def first_only(x):
    mask = torch.zeros(x.shape[:2], dtype=torch.bool)
    mask[:, 0] = True
    return mask


@pytest.fixture(scope="module")
def texts(model):
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(0, 64, (12, 10), generator=generator)
    # Text that the model would write itself, so that its activations matter for prediction.
    for place in range(1, 10):
        x = model.module(tokens[:, :place]).logits[:, -1]
        tokens[:, place] = x.argmax(1)
    return [(tokens[:6], torch.arange(6) // 2), (tokens[6:], torch.arange(6) // 2 + 2)]


def test_exact_reconstruction_recovers_all_of_the_cross_entropy(model, texts):
    result = cross_entropy_recovered(model, SITE, exact_dictionary(24), texts, left_out=first_only)
    assert result.recovered() == pytest.approx(1.0, abs=1e-5)
    nats = result.nats_per_token()
    assert nats["spliced"] == pytest.approx(nats["clean"], abs=1e-5)
    assert nats["ablated"] > nats["clean"] + 0.1
    assert result.documents.tolist() == [0, 1, 2, 3, 4]
    assert result.tokens.tolist() == [18, 18, 36, 18, 18]
    direct = torch.cat([token_cross_entropy(model, tokens) for tokens, _ in texts])
    assert result.clean.sum() == pytest.approx(float(direct.double().sum()), rel=1e-6)


def test_reconstruction_by_the_mean_recovers_nothing(model, texts):
    activations = torch.cat([capture(model, tokens, [SITE])[SITE] for tokens, _ in texts])
    dictionary = TopK(24, 4, 1)  # all zeros: it reconstructs b_dec
    dictionary.b_dec.data.copy_(activations[:, 1:].flatten(0, 1).mean(0))
    result = cross_entropy_recovered(model, SITE, dictionary, texts, left_out=first_only)
    assert result.recovered() == pytest.approx(0.0, abs=1e-4)


def test_tokens_left_out_pass_through_unchanged(model, texts):
    nothing = TopK(24, 4, 1)
    changed = cross_entropy_recovered(model, SITE, nothing, texts, left_out=first_only)
    assert changed.spliced.sum() > changed.clean.sum() + 1

    def all_but_last(x):
        mask = torch.ones(x.shape[:2], dtype=torch.bool)
        mask[:, -1] = False
        return mask

    # The last token predicts nothing that is scored.
    kept = cross_entropy_recovered(model, SITE, nothing, texts, left_out=all_but_last)
    np.testing.assert_array_equal(kept.spliced, kept.clean)
    with edit(model, SITE, lambda x: torch.where(first_only(x).unsqueeze(-1), x, 0.0)):
        by_hand = torch.cat([token_cross_entropy(model, tokens) for tokens, _ in texts])
    assert changed.spliced.sum() == pytest.approx(float(by_hand.double().sum()), rel=1e-5)


def test_dictionary_of_another_width_and_empty_text_are_refused(model, texts):
    with pytest.raises(AssayError, match=r"width 8; resid_post.1 has width 24"):
        cross_entropy_recovered(model, SITE, exact_dictionary(8), texts, left_out=first_only)
    with pytest.raises(AssayError, match="no text"):
        cross_entropy_recovered(model, SITE, exact_dictionary(24), [], left_out=first_only)
