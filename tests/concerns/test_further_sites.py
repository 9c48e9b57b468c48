"""Conversations are read at further hook sites, and a detector of all sites finds what one misses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from planted import D_MODEL, conversations

from assay.concerns.conversations import excerpt_of, read_excerpts
from assay.concerns.conversations.saving import load_conversations, save_conversations
from assay.concerns.conversations.windows import in_window
from assay.concerns.detectors import Examples, fit_detector
from assay.models import Site, capture, load_model
from assay.statistics import auroc
from assay.text import Transcript
from assay.text.transcripts import Message

FIRST, DEEPER, EARLIER = (Site.parse(f"resid_post.{i}") for i in (1, 2, 0))


@pytest.fixture(scope="module")
def model(tiny_model_folder):
    return load_model(str(tiny_model_folder))


@pytest.fixture(scope="module")
def excerpts(model):
    found = []
    for i, reply in enumerate(("good good", "bad", "fine fine fine")):
        said = (("user", f"how are you {i}"), ("assistant", reply))
        messages = tuple(Message(role=role, content=content) for role, content in said)
        transcript = Transcript(id=str(i), messages=messages, template="t")
        found.append(excerpt_of(model.tokenizer, transcript, False, payload=1))
    return found


def test_all_sites_stand_side_by_side_in_the_order_asked_for(model, excerpts):
    read = read_excerpts(model, [FIRST, DEEPER, EARLIER], excerpts)
    for conversation in read:
        tokens = torch.tensor([conversation.excerpt.tokens])
        at = capture(model, tokens, [FIRST, DEEPER, EARLIER])
        places = list(conversation.places)
        expected = torch.cat([at[site][0][places] for site in (FIRST, DEEPER, EARLIER)], dim=1)
        torch.testing.assert_close(conversation.at_all_sites, expected, atol=1e-5, rtol=1e-5)
        assert torch.equal(
            conversation.activations, conversation.at_all_sites[:, : model.site_width(FIRST)]
        )


def test_one_site_reads_the_same_with_and_without_further_ones(model, excerpts):
    alone = read_excerpts(model, [FIRST], excerpts)
    beside = read_excerpts(model, [FIRST, EARLIER], excerpts)
    for one, several in zip(alone, beside, strict=True):
        assert one.further is None
        assert torch.equal(one.at_all_sites, one.activations)
        assert torch.equal(one.activations, several.activations)


def test_windows_and_files_keep_the_further_sites(model, excerpts, tmp_path):
    read = read_excerpts(model, [FIRST, DEEPER], excerpts)
    cut = in_window(read[2], "before")
    assert torch.equal(cut.at_all_sites, read[2].at_all_sites[: len(cut.places)])
    save_conversations(tmp_path / "kept.safetensors", {"some": read, "none": ()})
    found = load_conversations(tmp_path / "kept.safetensors")
    assert found["none"] == ()
    for before, after in zip(read, found["some"], strict=True):
        assert torch.equal(before.at_all_sites, after.at_all_sites)


def spread(count, seed):
    """Noise at the case's site; what tells the classes apart stands at the further site alone."""
    shown = conversations(count, seed=seed, strength=4.0, name=f"shown-{seed}")
    generator = torch.Generator().manual_seed(seed)
    return tuple(
        replace(
            c,
            activations=torch.randn(c.activations.shape, generator=generator),
            further=c.activations,
        )
        for c in shown
    )


def test_a_detector_of_all_sites_finds_what_only_a_further_site_shows():
    learned, tested = spread(160, 1), spread(160, 2)
    labels = np.array([c.label for c in tested])
    examples = Examples.of(learned, None)
    areas = {}
    for name in ("logistic_regression", "several_sites"):
        detector = fit_detector(name, examples, None, 0)
        scores = detector.scores(tested)
        areas[name] = auroc(scores[labels], scores[~labels])
    assert areas["several_sites"] > 0.95
    assert areas["logistic_regression"] < 0.65
    assert len(fit_detector("several_sites", examples, None, 0).direction) == 2 * D_MODEL
