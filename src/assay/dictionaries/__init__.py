"""Sparse dictionaries: architectures, training, quality, and the formats of other libraries."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.dictionaries.architectures import ARCHITECTURES, architecture_named
    from assay.dictionaries.batch_topk import BatchTopK
    from assay.dictionaries.codes import SparseCodes
    from assay.dictionaries.config import TrainingConfig
    from assay.dictionaries.dictionary import Dictionary
    from assay.dictionaries.formats import (
        DictionaryMetadata,
        LoadedDictionary,
        load_dictionary,
        save_dictionary,
    )
    from assay.dictionaries.jumprelu import JumpReLU
    from assay.dictionaries.matryoshka import Matryoshka
    from assay.dictionaries.metrics import (
        CrossEntropyRecovered,
        DictionaryQuality,
        DocumentSums,
        cross_entropy_recovered,
        reconstruction_quality,
    )
    from assay.dictionaries.relu_l1 import ReluL1
    from assay.dictionaries.topk import TopK
    from assay.dictionaries.training import train

_HOMES = {
    "ARCHITECTURES": "architectures",
    "BatchTopK": "batch_topk",
    "CrossEntropyRecovered": "metrics",
    "Dictionary": "dictionary",
    "DictionaryMetadata": "formats",
    "DictionaryQuality": "metrics",
    "DocumentSums": "metrics",
    "JumpReLU": "jumprelu",
    "LoadedDictionary": "formats",
    "Matryoshka": "matryoshka",
    "ReluL1": "relu_l1",
    "SparseCodes": "codes",
    "TopK": "topk",
    "TrainingConfig": "config",
    "architecture_named": "architectures",
    "cross_entropy_recovered": "metrics",
    "load_dictionary": "formats",
    "reconstruction_quality": "metrics",
    "save_dictionary": "formats",
    "train": "training",
}

__all__ = [
    "ARCHITECTURES",
    "BatchTopK",
    "CrossEntropyRecovered",
    "Dictionary",
    "DictionaryMetadata",
    "DictionaryQuality",
    "DocumentSums",
    "JumpReLU",
    "LoadedDictionary",
    "Matryoshka",
    "ReluL1",
    "SparseCodes",
    "TopK",
    "TrainingConfig",
    "architecture_named",
    "cross_entropy_recovered",
    "load_dictionary",
    "reconstruction_quality",
    "save_dictionary",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'assay.dictionaries' has no attribute '{name}'")
    return getattr(importlib.import_module(f"assay.dictionaries.{_HOMES[name]}"), name)
