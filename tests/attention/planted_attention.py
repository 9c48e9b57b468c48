"""An attention layer whose query and key features, and which of them attend to which, are known."""

from __future__ import annotations

import torch
from torch import nn

from assay.attention import AttentionLayer, AttentionSample

FEATURES, D_MODEL, HEAD_DIM, LENGTH = 24, 24, 12, 32
STRENGTH = 8.0
PAIRS = 12


def unrotated(head_dim=HEAD_DIM, heads=1, kv_heads=1, frequencies=()):
    return AttentionLayer(
        layer=0,
        n_heads=heads,
        n_kv_heads=kv_heads,
        head_dim=head_dim,
        scaling=head_dim**-0.5,
        frequencies=torch.tensor(list(frequencies)),
        rotation_scale=1.0,
        window=None,
        module=nn.Identity(),
    )


def planted_sample(crops, seed=0):
    """Crops of sparse features (rate .08, magnitude U(.5, 1.5)), and the planted pairs.

    Query feature a attends to key feature ``partner[a]``: the score of a query with z_a to a key with
    y_b is STRENGTH · z_a · y_b where they are partners.
    """
    generator = torch.Generator().manual_seed(seed)
    fixed = torch.Generator().manual_seed(7)
    frame = torch.linalg.qr(torch.randn(D_MODEL, FEATURES, generator=fixed)).Q.T
    fires = torch.rand(crops, LENGTH, FEATURES, generator=generator) < 0.08
    z = fires * (0.5 + torch.rand(crops, LENGTH, FEATURES, generator=generator))
    x = z @ frame
    queries, keys = torch.randperm(FEATURES, generator=fixed).split([PAIRS, FEATURES - PAIRS])
    basis = torch.eye(HEAD_DIM) * (STRENGTH * HEAD_DIM**0.5) ** 0.5
    W_q, W_k = torch.zeros(FEATURES, HEAD_DIM), torch.zeros(FEATURES, HEAD_DIM)
    W_q[queries], W_k[keys] = basis, basis
    sample = AttentionSample(x=x, q=z @ W_q, k=z @ W_k, v=torch.zeros(crops, LENGTH, HEAD_DIM))
    return sample, frame, queries, keys
