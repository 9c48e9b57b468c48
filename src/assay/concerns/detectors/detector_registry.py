"""The detectors by name: the one place to add one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from assay.errors import unknown_name
from assay.registry import Registry

Fit = Callable[[Any, Any, int], Any]
"""``fit(examples: Examples, dictionary: Dictionary, seed: int) -> Detector``."""
_PLACE = "assay.concerns.detectors"

DETECTORS: Registry[Fit] = Registry(
    "detector",
    {
        "single_feature": f"{_PLACE}.single_feature:fit",
        "sparse_features": f"{_PLACE}.sparse_features:fit",
        "rule": f"{_PLACE}.rule:fit",
        "difference_in_means": f"{_PLACE}.difference_in_means:fit",
        "logistic_regression": f"{_PLACE}.logistic_regression:fit",
        "text": f"{_PLACE}.text_baseline:fit",
    },
)
"""What a case may ask for: name → the function that fits it."""
WATCHABLE: set[str] = {"single_feature", "difference_in_means", "logistic_regression"}
"""Names of the detectors that a monitor may watch: each is one direction (``LinearDetector``) or one
feature of the dictionary. A plugin adds its own with ``WATCHABLE.add(name)``."""
CONTROL_FITS: Registry[Fit] = Registry(
    "control",
    {
        "random_direction": f"{_PLACE}.random_direction:fit",
        "shuffled_labels": f"{_PLACE}.shuffled_labels:fit",
    },
)
"""Fitted beside the detectors always: name → the function that fits it."""
CONTROLS = ("random_direction", "shuffled_labels")
"""Names of the controls, which learn nothing and must do no better than chance."""


def check_detector(name: str) -> str:
    """The name. Raises AssayError with the valid ones for any other."""
    if name not in DETECTORS:
        raise unknown_name("detector", name, DETECTORS)
    return name


def is_watchable(name: str) -> bool:
    """Whether a monitor may watch a detector of that name."""
    return name in DETECTORS and name in WATCHABLE
