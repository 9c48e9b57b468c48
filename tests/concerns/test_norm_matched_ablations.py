"""An ablation is compared with random ones that take away as much."""

from __future__ import annotations

import pytest
import torch

from assay.concerns.conversations.excerpts import excerpt_of
from assay.concerns.matrix import ablating
from assay.models import Site, capture, load_model
from assay.text import Message, Transcript


@pytest.fixture
def model(tiny_model_folder):
    return load_model(str(tiny_model_folder), dtype="float32")


def conversation(number, model):
    messages = (
        Message(role="user", content=f"what of {number}"),
        Message(role="assistant", content="well enough"),
    )
    transcript = Transcript(id=str(number), messages=messages, label=True, template="t")
    return excerpt_of(model.tokenizer, transcript, True, cut=4)


def test_every_random_ablation_removes_the_same_norm_as_the_direction(model, monkeypatch):
    excerpts = [conversation(number, model) for number in range(4)]
    positives = [(excerpt, [50, 51]) for excerpt in excerpts]
    site = Site.parse("resid_post.1")
    # The direction in which activations are largest: removing it takes far more than a random one.
    states = torch.cat([capture(model, torch.tensor([e.tokens]), site)[site][0] for e in excerpts])
    direction = torch.linalg.svd(states.float(), full_matrices=False).Vh[:1]
    removed = []
    projection = ablating._projection

    def counted(directions, rows, scale):
        remove = projection(directions, rows, scale)

        def measured(activations):
            changed = remove(activations)
            removed.append(float((activations - changed).square().sum().sqrt()))
            return changed

        return measured

    monkeypatch.setattr(ablating, "_projection", counted)
    effect = ablating.ablate(model, site, direction, positives, benign=excerpts, seed=0)
    own, *random = removed[: 1 + len(effect.random)]
    assert random == pytest.approx([own] * len(random), rel=0.05)
