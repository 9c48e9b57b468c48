"""Fit a detector by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.concerns.detectors.detector import (
    Detector,
    Examples,
    choose_aggregation,
    validation_split,
)
from assay.concerns.detectors.detector_registry import (
    CONTROL_FITS,
    CONTROLS,
    DETECTORS,
    LABEL_FREE,
    OF_FEATURES,
)
from assay.errors import AssayError

OF_CODES = {"single_feature", "sparse_features", "rule"}
"""Detectors that are fitted to the largest activation of features, not to means."""

if TYPE_CHECKING:
    from assay.dictionaries import Dictionary


def fit_detector(
    name: str, examples: Examples, dictionary: Dictionary | None, seed: int
) -> Detector:
    """Fit a detector, and choose its aggregation on examples that were held out.

    Where whole organisms can be held out (``Examples.by_organism``), the detector is then fitted on all
    of them, and a direction that was fitted to means keeps the mean: the two or three organisms that
    are held out are too few to choose among aggregations. Elsewhere it keeps the fit on two thirds of
    the templates, and the others choose.
    ``dictionary`` None does for the detectors of raw activations and of text. Raises AssayError for an
    unknown name, and for a detector of features without a dictionary.
    """
    if dictionary is None and name in OF_FEATURES:
        raise AssayError(f"detector {name} reads features of a dictionary, and there is none")
    fit = CONTROL_FITS[name] if name in CONTROLS else DETECTORS[name]
    fitting, held = validation_split(examples, seed, name)
    if fitting.labels.all() or not fitting.labels.any():
        fitting = examples
    if name in LABEL_FREE or (examples.by_organism and name not in OF_CODES):
        detector: Detector = fit(examples, dictionary, seed)
        detector.aggregation = "mean"
        return detector
    detector = fit(fitting, dictionary, seed)
    chosen = choose_aggregation(detector, held)
    if examples.by_organism:
        detector = fit(examples, dictionary, seed)
    detector.aggregation = chosen
    return detector
