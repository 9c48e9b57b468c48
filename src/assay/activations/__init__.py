"""Activations on disk: harvest, store, shuffled batches, the attention sink."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.activations.batches import Batch, shuffled_batches
    from assay.activations.harvesting import harvest
    from assay.activations.sink import ResidualVariance, left_out, median_norm
    from assay.activations.store import ActivationStore, open_store

_HOMES = {
    "ActivationStore": "store",
    "Batch": "batches",
    "ResidualVariance": "sink",
    "harvest": "harvesting",
    "left_out": "sink",
    "median_norm": "sink",
    "open_store": "store",
    "shuffled_batches": "batches",
}

__all__ = [
    "ActivationStore",
    "Batch",
    "ResidualVariance",
    "harvest",
    "left_out",
    "median_norm",
    "open_store",
    "shuffled_batches",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'assay.activations' has no attribute '{name}'")
    return getattr(importlib.import_module(f"assay.activations.{_HOMES[name]}"), name)
