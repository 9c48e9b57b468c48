"""Fit a detector by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.concerns.detectors.detector import (
    Detector,
    Examples,
    choose_aggregation,
    split_by_template,
)
from assay.concerns.detectors.detector_registry import CONTROL_FITS, CONTROLS, DETECTORS

if TYPE_CHECKING:
    from assay.dictionaries import Dictionary


def fit_detector(name: str, examples: Examples, dictionary: Dictionary, seed: int) -> Detector:
    """Fit a detector on two thirds of the templates and choose its aggregation on the others.

    Raises AssayError for an unknown name.
    """
    fit = CONTROL_FITS[name] if name in CONTROLS else DETECTORS[name]
    fitting, validation = split_by_template(examples, seed, name)
    if fitting.labels.all() or not fitting.labels.any():
        fitting = examples
    detector: Detector = fit(fitting, dictionary, seed)
    detector.aggregation = choose_aggregation(detector, validation)
    return detector
