"""Detector single_feature: the dictionary feature that separates the classes best."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from assay.concerns.candidates.ranking import contrast_order
from assay.concerns.detectors.detector import Detector, Examples
from assay.concerns.detectors.feature_sums import FeatureSum

if TYPE_CHECKING:
    from assay.dictionaries import Dictionary


def fit(examples: Examples, dictionary: Dictionary, seed: int) -> Detector:
    """The feature with the largest standardised contrast; the score is its activation."""
    best = int(contrast_order(examples.codes, examples.labels)[0])
    return FeatureSum("single_feature", dictionary, [best], np.ones(1))
