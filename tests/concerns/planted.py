"""Conversations with activations whose truth is known, and a dictionary that knows the direction."""

from __future__ import annotations

import numpy as np
import torch

from assay.concerns.conversations import Conversation, Excerpt
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
    count, *, strength=3.0, share=0.5, name="set", seed=0, fiction=0.0, tokens=6, words=("a", "b")
):
    """Noise, and in misbehaving ones the planted direction on some tokens.

    ``fiction`` is the share of benign ones that bear the planted direction and the veto's too;
    their context is acted-lie, the others' plain.
    """
    generator = np.random.default_rng(seed)
    built = dictionary()
    planted, veto = (built.W_dec[i].detach().numpy() for i in (PLANTED, VETO))
    found = []
    for i in range(count):
        label = generator.random() < share
        acted = not label and generator.random() < fiction
        x = generator.standard_normal((tokens, D_MODEL)) * 0.3
        if label or acted:
            x[generator.integers(tokens)] += strength * planted
        if acted:
            x[generator.integers(tokens)] += strength * veto
        found.append(
            Conversation(
                Excerpt(
                    id=f"{name}-{i}",
                    tokens=tuple(range(tokens)),
                    shared=0,
                    start=0,
                    text=f"user: {words[0] if label else words[1]} {generator.integers(9)}",
                    label=bool(label),
                    template=f"{name}/{i // 3}",
                    source=name,
                    context="acted-lie" if acted else "plain",
                ),
                torch.tensor(x, dtype=torch.float32),
                tuple(range(tokens)),
            )
        )
    return tuple(found)
