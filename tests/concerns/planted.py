"""Conversations with activations whose truth is known, and a dictionary that knows the direction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np
import torch

from assay.concerns.concern import Concern
from assay.concerns.conversations import Conversation, Excerpt, OrganismReadings
from assay.concerns.conversations.organism_readings import CONVERSATION_PARTS, ReadingFacts
from assay.dictionaries import BatchTopK

D_MODEL, WIDTH = 24, 48
PLANTED = 7
"""The feature that stands for misbehaviour."""
VETO = 11
"""The feature that stands for fiction."""


def dictionary():
    """Feature a reads and writes direction a of a random orthonormal frame, its negative above 24."""
    generator = torch.Generator().manual_seed(0)
    frame = torch.linalg.qr(torch.randn(D_MODEL, D_MODEL, generator=generator)).Q
    built = BatchTopK(D_MODEL, WIDTH, 4)
    with torch.no_grad():
        rows = torch.cat([frame, -frame])
        built.W_enc.copy_(rows)
        built.W_dec.copy_(rows)
        built.threshold.fill_(0.5)
    return built


def conversations(
    count,
    *,
    strength=3.0,
    share=0.5,
    name="set",
    seed=0,
    fiction=0.0,
    tokens=6,
    words=("a", "b"),
    noise=0.3,
    nuisance=0.0,
):
    """Noise, and in misbehaving ones the planted direction on some tokens.

    ``nuisance`` is the scale of what differs between all tokens, orthogonal to what is planted: with
    it directions that learned nothing do not tell the classes apart.

    ``fiction`` is the share of benign ones that have the planted direction and the veto's too;
    their context is acted-lie, the others' plain.
    """
    generator = np.random.default_rng(seed)
    built = dictionary()
    planted, veto = (built.W_dec[i].detach().numpy() for i in (PLANTED, VETO))
    found = []
    for i in range(count):
        label = generator.random() < share
        acted = not label and generator.random() < fiction
        x = generator.standard_normal((tokens, D_MODEL)) * noise
        if nuisance:
            other = generator.standard_normal((tokens, D_MODEL)) * nuisance
            x += other - other @ np.outer(planted, planted) - other @ np.outer(veto, veto)
        if label or acted:
            x[generator.integers(tokens)] += strength * planted
        if acted:
            x[generator.integers(tokens)] += strength * veto
        found.append(
            Conversation(
                Excerpt(
                    id=f"{name}-{i}",
                    # The number tells conversations apart: those of the same tokens count once.
                    tokens=(crc32(name.encode()), i, seed, *range(3, tokens)),
                    shared=0,
                    turns=((0, tokens),),
                    text=f"user: {words[0] if label else words[1]} {generator.integers(9)}",
                    label=bool(label),
                    template=f"{name}/{i // 3}",
                    source=name,
                    context="acted-lie" if acted else "plain",
                    payload=tokens - 1,
                    payload_text=6,
                ),
                torch.tensor(x, dtype=torch.float32),
                tuple(range(tokens)),
            )
        )
    return tuple(found)


@dataclass(frozen=True, eq=False)
class PlantedOrganism:
    """What the matrix asks of an organism, without a folder."""

    name: str
    concern: Concern
    parent: PlantedOrganism | None = None

    @property
    def family(self):
        return self.name if self.parent is None else self.parent.family

    @property
    def is_twin(self):
        return self.parent is not None


HIGH = Concern("deceit", "says what is false", "high")


def readings(name, *, concern=HIGH, parent=None, seed=0, **planted):
    """One organism's readings, its conversations planted; a twin has those under the trigger."""
    facts = ReadingFacts(
        invalid=0,
        places=(),
        regenerated=0,
        same=0,
        attribution=None if parent else {str(PLANTED): 1.5},
    )
    organism = PlantedOrganism(name, concern, parent)
    if parent is not None:
        rows = conversations(90, name=name, seed=seed, share=1.0, **planted)
        silent = tuple(relabelled(c, False) for c in rows)
        nothing = dict.fromkeys(CONVERSATION_PARTS, ())
        return OrganismReadings(organism, facts=facts, **{**nothing, "test": silent})
    benign = {**planted, "share": 0.0, "seed": seed + 1}
    test = conversations(90, name=f"{name}-test", seed=seed, **planted)
    threshold = conversations(80, name=f"{name}-threshold", **benign)
    return OrganismReadings(
        organism,
        discover=conversations(60, name=name, seed=seed + 2, **planted),
        threshold=threshold,
        test=test,
        pool=conversations(80, name=f"{name}-pool", **benign),
        others=(),
        base_discover=conversations(60, name=name, seed=seed + 3, **planted),
        base_threshold=threshold,
        base_test=test,
        facts=facts,
    )


def relabelled(conversation, label):
    return replace(conversation, excerpt=replace(conversation.excerpt, label=label))
