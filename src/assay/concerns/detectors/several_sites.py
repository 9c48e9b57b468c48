"""Detector several_sites: logistic regression on raw activations at all of the case's hook sites.

What a model is about to do shows at other depths than what it says (METHODS 6, "Detectors may read
several sites"). The directions at all sites are learned together, as one long direction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.concerns.detectors.detector import Detector, Examples
from assay.concerns.detectors.linear import LinearDetector
from assay.concerns.detectors.logistic_regression import fit_direction
from assay.concerns.feature_codes import mean_activations

if TYPE_CHECKING:
    from assay.dictionaries import Dictionary


def fit(examples: Examples, dictionary: Dictionary | None, seed: int) -> Detector:
    """An L2 probe of each conversation's mean activation at all sites, standardised."""
    means = mean_activations(examples.conversations, at_all_sites=True)
    direction, bias = fit_direction(means, examples)
    return LinearDetector("several_sites", direction, bias, at_all_sites=True)
