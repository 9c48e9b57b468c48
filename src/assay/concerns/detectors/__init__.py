"""The detectors by name: one file each, fitted at equal data."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from assay.concerns.detectors.interface import (
    Detector,
    Examples,
    choose_aggregation,
    split_by_template,
)
from assay.errors import unknown_name

if TYPE_CHECKING:
    from assay.dictionaries import Dictionary

DETECTORS = (
    "single_feature",
    "sparse_features",
    "rule",
    "difference_in_means",
    "logistic_regression",
    "text",
)
"""What a case may ask for; each is a file of this folder with a function ``fit``."""
CONTROLS = ("random_direction", "shuffled_labels")
"""Fitted beside them always; they must do no better than chance."""


def check_detector(name: str) -> str:
    """The name. Raises AssayError with the valid ones for any other."""
    if name not in DETECTORS:
        raise unknown_name("detector", name, DETECTORS)
    return name


def fit_detector(name: str, examples: Examples, dictionary: Dictionary, seed: int) -> Detector:
    """Fit on two thirds of the templates, and choose the aggregation on the others."""
    module = importlib.import_module(f"{__name__}.{name}")
    fitting, validation = split_by_template(examples, seed, name)
    if fitting.labels.all() or not fitting.labels.any():
        fitting = examples
    detector: Detector = module.fit(fitting, dictionary, seed)
    detector.aggregation = choose_aggregation(detector, validation)
    return detector


__all__ = [
    "CONTROLS",
    "DETECTORS",
    "Detector",
    "Examples",
    "check_detector",
    "fit_detector",
]
