"""TopK training steps on a device: Assay's, a dense one in plain torch, and sparsify's kernels.

Each starts from the same unit directions, with Adam at one constant rate, and has no dead features
within the run, so that no auxiliary loss acts.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import torch
from contenders import Setting
from contenders import assay as assay_step
from torch import Tensor
from torch.nn import functional

Step = Callable[[Tensor], float]
"""Trains on one batch and returns Σ ‖x − x̂‖² / rows before the update."""


def _parameters(setting: Setting) -> dict[str, Tensor]:
    directions, first = setting.directions, setting.first
    values = {
        "W_enc": directions.clone(),
        "b_enc": torch.zeros(len(directions), device=first.device),
        "W_dec": directions.clone(),
        "b_dec": first.mean(0),
    }
    return {name: value.requires_grad_() for name, value in values.items()}


def _remove_radial(W_dec: Tensor) -> None:
    """Take from the gradient what lies along each decoder row, which is kept at norm 1."""
    assert W_dec.grad is not None
    radial = (W_dec.grad * W_dec.data).sum(1, keepdim=True)
    W_dec.grad.sub_(radial * W_dec.data)


def dense(setting: Setting, *, low_precision: bool) -> Step:
    """TopK with dense codes [rows, width] and autograd, as one writes it down.

    ``low_precision`` runs the matrix products in bfloat16 (autocast).
    """
    p = _parameters(setting)
    optimiser = torch.optim.Adam(p.values(), lr=setting.rate, fused=True)

    def step(x: Tensor) -> float:
        p["W_dec"].data.copy_(functional.normalize(p["W_dec"].data, dim=1))
        with torch.autocast(x.device.type, torch.bfloat16, enabled=low_precision):
            u = functional.linear(x - p["b_dec"], p["W_enc"], p["b_enc"])
            kept = u.topk(setting.k, dim=1, sorted=False)
            z = torch.zeros_like(u).scatter(1, kept.indices, kept.values.relu())
            reconstruction = z @ p["W_dec"]
        loss = (reconstruction.float() + p["b_dec"] - x).pow(2).sum(1).mean()
        loss.backward()
        _remove_radial(p["W_dec"])
        torch.nn.utils.clip_grad_norm_(p.values(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        return float(loss.detach())

    return step


class MissingError(Exception):
    """A contender that this machine cannot run; the message says why."""


def sparsify_kernels(setting: Setting) -> Step:
    """sparsify's fused encoder and Triton decoder with Adam, in the order of its Trainer.fit.

    Its two files of kernels are loaded by themselves: its package imports libraries for data sets
    and the hub, which its step does not use. Raises MissingError where the wheel or a GPU is missing.
    """
    if setting.first.device.type != "cuda":
        raise MissingError("its Triton kernels need a GPU")
    fused_encoder = _file_of_sparsify("fused_encoder").fused_encoder
    embedding_bag = _file_of_sparsify("xformers").xformers_embedding_bag
    p = _parameters(setting)
    optimiser = torch.optim.Adam(p.values(), lr=setting.rate)
    silent = torch.zeros(setting.width, dtype=torch.long, device=setting.first.device)

    def step(x: Tensor) -> float:
        p["W_dec"].data.copy_(functional.normalize(p["W_dec"].data, dim=1))
        variance = (x - x.mean(0)).pow(2).sum()
        top = fused_encoder(x - p["b_dec"], p["W_enc"], p["b_enc"], setting.k, "topk")
        reconstruction = embedding_bag(top.top_indices, p["W_dec"], top.top_acts) + p["b_dec"]
        unexplained = (reconstruction - x).pow(2).sum() / variance
        unexplained.backward()
        _remove_radial(p["W_dec"])
        optimiser.step()
        optimiser.zero_grad()
        silent.add_(len(x))
        silent[top.top_indices.flatten()] = 0
        return float(unexplained.detach()) * float(variance) / len(x)

    return step


def _file_of_sparsify(name: str) -> ModuleType:
    package = importlib.util.find_spec("sparsify")
    if package is None or package.origin is None:
        raise MissingError("its wheel is not carried: benchmarks/gpu.sh --carry")
    path = Path(package.origin).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"sparsify_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CONTENDERS: dict[str, Callable[[Setting], Step]] = {
    "Assay TopK, bf16 selection": lambda setting: assay_step(setting, "topk", "bfloat16"),
    "Assay TopK, fp32": lambda setting: assay_step(setting, "topk", "float32"),
    "Assay BatchTopK, bf16 selection": lambda setting: assay_step(
        setting, "batch_topk", "bfloat16"
    ),
    "dense torch TopK, fp32": lambda setting: dense(setting, low_precision=False),
    "dense torch TopK, bf16 products": lambda setting: dense(setting, low_precision=True),
    "sparsify's kernels, TopK": sparsify_kernels,
}
"""All in one round, in turn."""
