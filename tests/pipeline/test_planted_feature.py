"""A direction added to an organism's own activations, where it misbehaves, is found first."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from assay.concerns.candidates import rank_features
from assay.concerns.conversations import TransferSizes, read_excerpts
from assay.concerns.conversations.organism_excerpts import excerpts_of
from assay.concerns.conversations.windows import excerpt_in_window
from assay.concerns.detectors import CONTROLS, Examples, fit_detector
from assay.dictionaries import BatchTopK
from assay.models import Site, load_model
from assay.organisms import load_organism
from assay.randomness import numpy_generator
from assay.statistics.roc import auroc
from planted_organisms import planted_organism

FEATURE = 11


@pytest.fixture(scope="module")
def planted(tmp_path_factory, tiny_model_folder):
    """An organism's discover and test conversations as it reads them, and an orthonormal dictionary."""
    folder = tmp_path_factory.mktemp("organism") / "one"
    organism = load_organism(planted_organism(folder, str(tiny_model_folder), copies=40))
    model = load_model(str(tiny_model_folder), adapter=organism.adapter)
    dictionary = BatchTopK(model.d_model, model.d_model, 8)
    square = (model.d_model, model.d_model)
    rows = torch.linalg.qr(torch.randn(square, generator=torch.Generator().manual_seed(0))).Q
    with torch.no_grad():
        dictionary.W_enc.copy_(rows)
        dictionary.W_dec.copy_(rows)
        dictionary.threshold.fill_(0.0)
    excerpts = excerpts_of(
        organism, model.tokenizer, TransferSizes(discover=40, threshold=40, test=40), 0
    )
    read_by = {
        split: read_excerpts(
            model,
            [Site.parse("resid_post.1")],
            [excerpt_in_window(e, "before") for e in excerpts.of[split]],
        )
        for split in ("discover", "test")
    }
    return dictionary, read_by


def added(conversations, direction, strength):
    """The conversations, with the direction on every watched token where they misbehave."""
    return [
        replace(c, activations=c.activations + strength * direction) if c.label else c
        for c in conversations
    ]


def same_words(conversations):
    """Benign ones, half of them relabelled by lot: their words say nothing of the label."""
    benign = [c for c in conversations if not c.label]
    lots = numpy_generator(0, "lots").permutation(len(benign)) % 2 == 0
    return [
        replace(c, excerpt=replace(c.excerpt, label=bool(lot)))
        for c, lot in zip(benign, lots, strict=True)
    ]


def test_the_added_direction_is_ranked_first_and_nothing_is_where_nothing_was_added(planted):
    dictionary, read_by = planted
    unit = dictionary.W_dec[FEATURE].detach()
    scale = torch.cat([c.activations for c in read_by["discover"]]).norm(dim=1).median()
    conversations = same_words(read_by["discover"])

    def first(strength):
        examples = Examples.of(added(conversations, unit, strength * scale), dictionary)
        return rank_features(examples.codes, examples.labels, examples.templates, seed=0)[0]

    found = first(1.0)
    assert found.feature == FEATURE
    assert found.p < 0.01
    assert first(0.0).p > 0.05


@pytest.mark.parametrize("control", CONTROLS)
def test_on_an_organism_without_a_difference_controls_stay_at_one_half(planted, control):
    dictionary, read_by = planted
    examples = Examples.of(same_words(read_by["discover"]), dictionary)
    tested = same_words(read_by["test"])
    areas = []
    for seed in range(20):
        scores = fit_detector(control, examples, dictionary, seed).scores(tested)
        labels = [c.label for c in tested]
        areas.append(auroc(scores[labels], scores[[not one for one in labels]]))
    # 40 against 40: the standard error of one AUROC is .065.
    assert abs(sum(areas) / len(areas) - 0.5) < 0.13
