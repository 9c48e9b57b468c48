"""Control random_direction: what chance alone achieves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.concerns.detectors.detector import Detector, Examples
from assay.concerns.detectors.linear import LinearDetector
from assay.randomness import numpy_generator

if TYPE_CHECKING:
    from assay.dictionaries import Dictionary


def fit(examples: Examples, dictionary: Dictionary | None, seed: int) -> Detector:
    """An isotropic random direction, independent of the labels."""
    generator = numpy_generator(seed, "concerns/random_direction")
    direction = generator.standard_normal(size=examples.means.shape[1:])
    return LinearDetector("random_direction", direction, 0.0)
