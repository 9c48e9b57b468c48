"""Seconds and peak memory of work on a device, and one batch of planted activations there."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor


def finish(device: torch.device) -> None:
    """Wait until the device has done everything asked of it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds_of(work: Callable[[], object], device: torch.device) -> float:
    """Wall time of one call, from an idle device to an idle device."""
    finish(device)
    begun = time.perf_counter()
    work()
    finish(device)
    return time.perf_counter() - begun


def peak_bytes(work: Callable[[], object], device: torch.device) -> int | None:
    """Most memory that the device held during a call, beyond what it held before.

    On a CPU the call is made all the same, and the answer is None.
    """
    if device.type != "cuda":
        work()
        return None
    finish(device)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    work()
    finish(device)
    return torch.cuda.max_memory_allocated(device) - before


def median(values: list[float]) -> float:
    return float(torch.tensor(values, dtype=torch.float64).median())


def planted_batch(rows: int, d: int, active: int, *, seed: int, device: torch.device) -> Tensor:
    """Sparse sums of 8·d random unit directions, plus noise, float32 [rows, d], about scale 1."""
    generator = torch.Generator(device).manual_seed(0)
    directions = torch.randn(8 * d, d, generator=generator, device=device)
    directions = torch.nn.functional.normalize(directions, dim=1)
    generator.manual_seed(1 + seed)
    which = torch.randint(0, 8 * d, (rows, active), generator=generator, device=device)
    weights = torch.rand(rows, active, generator=generator, device=device) + 0.2
    x = torch.nn.functional.embedding_bag(which, directions, per_sample_weights=weights, mode="sum")
    noise = torch.randn(rows, d, generator=generator, device=device)
    x = x + 0.2 * noise / d**0.5
    return x / (x - x.mean(0)).pow(2).sum(1).mean().sqrt()
