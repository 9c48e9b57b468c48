"""The registry of detectors, where a detector is added."""

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
        "several_sites": f"{_PLACE}.several_sites:fit",
        "dictionary_error": f"{_PLACE}.dictionary_error:fit",
        "novelty": f"{_PLACE}.novelty:fit",
        "text": f"{_PLACE}.text_baseline:fit",
    },
)
"""Detectors that a case can name: name → function that fits it."""
OF_FEATURES: set[str] = {"single_feature", "sparse_features", "rule", "dictionary_error"}
"""Names of the detectors that need a dictionary. A plugin adds its own: ``OF_FEATURES.add(name)``."""
LABEL_FREE: set[str] = {"novelty"}
"""Names of the detectors that use no labels of misbehaviour, so that no setting is chosen by them
either. A plugin adds its own: ``LABEL_FREE.add(name)``."""
WATCHABLE: set[str] = {
    "single_feature",
    "difference_in_means",
    "logistic_regression",
    "several_sites",
}
"""Names of the detectors that a monitor can watch: each is a single direction (``LinearDetector``) or a
single feature of the dictionary. A plugin adds its own with ``WATCHABLE.add(name)``."""
OF_SEVERAL_SITES: set[str] = {"several_sites"}
"""Names of the detectors that need further hook sites. A plugin adds its own."""
CONTROL_FITS: Registry[Fit] = Registry(
    "control",
    {
        "random_direction": f"{_PLACE}.random_direction:fit",
        "shuffled_labels": f"{_PLACE}.shuffled_labels:fit",
    },
)
"""Controls, which are always fitted beside the detectors: name → function that fits it."""
CONTROLS = ("random_direction", "shuffled_labels")
"""Names of the controls, which must do no better than chance."""


def check_detector(name: str) -> str:
    """The name itself. Raises AssayError, listing the valid names, for an unknown name."""
    if name not in DETECTORS:
        raise unknown_name("detector", name, DETECTORS)
    return name


def is_watchable(name: str) -> bool:
    """Whether a monitor may watch a detector of that name."""
    return name in DETECTORS and name in WATCHABLE
