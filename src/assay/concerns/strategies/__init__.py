"""The elicitation strategies by name: one file each, behind one interface."""

from __future__ import annotations

import importlib
import re

from assay.concerns.strategies.interface import Elicited, Options, Setting, Strategy
from assay.errors import unknown_name

STRATEGIES = {
    "base": "base",
    "off_policy": "off_policy",
    "prompted": "prompted",
    "perturbed.bias_vector": "bias_vector",
    "perturbed.finetune": "finetune",
    "perturbed.noise": "noise",
    "contrast_pairs": "contrast_pairs",
    "incentivised": "incentivised",
    "benign_contexts": "benign_contexts",
    "few_shot": "few_shot",
}
"""Name in the case file → the module that holds it."""


def strategy_named(name: str) -> tuple[Strategy, dict[str, int]]:
    """The strategy of that name, and the options in it: ``few_shot(4)`` is few_shot with k = 4.

    Raises AssayError with the valid names for any other.
    """
    found = re.fullmatch(r"few_shot\((\d+)\)", name)
    plain = "few_shot" if found else name
    if plain not in STRATEGIES:
        raise unknown_name("strategy", name, STRATEGIES)
    strategy: Strategy = importlib.import_module(f"{__name__}.{STRATEGIES[plain]}").STRATEGY
    return strategy, {"k": int(found[1])} if found else {}


def shows_transfer(name: str) -> bool:
    """Whether a detector from this strategy may count as learned elsewhere."""
    return strategy_named(name)[0].transfers


__all__ = [
    "STRATEGIES",
    "Elicited",
    "Options",
    "Setting",
    "Strategy",
    "shows_transfer",
    "strategy_named",
]
