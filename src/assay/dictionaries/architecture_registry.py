"""The architectures by name: the one place to add one. Importing it loads no architecture."""

from __future__ import annotations

from assay.registry import Registry

ARCHITECTURES: Registry[type] = Registry(
    "architecture",
    {
        "topk": "assay.dictionaries.topk:TopK",
        "batch_topk": "assay.dictionaries.batch_topk:BatchTopK",
        "jumprelu": "assay.dictionaries.jumprelu:JumpReLU",
        "matryoshka": "assay.dictionaries.matryoshka:Matryoshka",
        "relu_l1": "assay.dictionaries.relu_l1:ReluL1",
    },
)
"""Name → subclass of ``assay.dictionaries.Dictionary``. ``ARCHITECTURES.register(name, class)`` adds
one of a third party."""
