"""Estimates of a stage's duration: its floating-point operations over this machine's rate."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import cache

import torch

from assay.models import LanguageModel, Site

FORWARD_EFFICIENCY = 0.75
"""Share of a matrix product's rate that a forward pass reaches (attention and memory take the rest)."""
TRAINING_PRODUCTS = 2.2
"""Cost of a training step, in dense encoder products (see benchmarks/RESULTS.md)."""


@cache
def flops_per_second(dtype: torch.dtype) -> float:
    """Rate of a matrix product of typical sizes, in operations per second; takes about 0.2 seconds."""
    left = torch.randn(2048, 576).to(dtype)
    right = torch.randn(576, 1536).to(dtype)
    best = float("inf")
    for _ in range(8):
        start = time.perf_counter()
        left @ right
        best = min(best, time.perf_counter() - start)
    return 2 * left.shape[0] * left.shape[1] * right.shape[1] / best


def deepest(sites: Iterable[str]) -> Site:
    """The hook site, of those with these names, that a forward pass reaches last."""
    return max(Site.parse(site) for site in sites)


def forward_seconds(model: LanguageModel, tokens: int, site: Site | None = None) -> float:
    """Seconds to read ``tokens`` tokens up to a hook site, or to the logits where ``site`` is None."""
    layers = model.n_layers if site is None else site.layer + 1
    weights = sum(p.numel() for p in model.module.parameters())
    head = model.d_model * model.vocabulary_size
    blocks = (weights - head) * layers / model.n_layers + (head if site is None else 0)
    dtype = next(model.module.parameters()).dtype
    return 2 * blocks * tokens / (flops_per_second(dtype) * FORWARD_EFFICIENCY)


def training_seconds(d_in: int, width: int, rows: int) -> float:
    """Seconds to train a dictionary on ``rows`` activations, where repeated rows count again."""
    product = 2 * d_in * width * rows / flops_per_second(torch.float32)
    return TRAINING_PRODUCTS * product
