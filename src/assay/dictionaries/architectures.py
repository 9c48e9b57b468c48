"""The registry of architectures: the one place where their names are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.dictionaries.batch_topk import BatchTopK
from assay.dictionaries.jumprelu import JumpReLU
from assay.dictionaries.matryoshka import Matryoshka
from assay.dictionaries.relu_l1 import ReluL1
from assay.dictionaries.topk import TopK
from assay.errors import unknown_name

if TYPE_CHECKING:
    from assay.dictionaries.dictionary import Dictionary

ARCHITECTURES: dict[str, type[Dictionary]] = {
    architecture.architecture: architecture
    for architecture in (TopK, BatchTopK, JumpReLU, Matryoshka, ReluL1)
}


def architecture_named(name: str) -> type[Dictionary]:
    """The class of an architecture. Raises AssayError for an unknown name, with the valid ones."""
    if name not in ARCHITECTURES:
        raise unknown_name("architecture", name, ARCHITECTURES)
    return ARCHITECTURES[name]
