"""A direction drawn at random, shaped like the activations: what chance alone achieves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.concerns.detectors.interface import Detector, Examples
from assay.concerns.detectors.linear import LinearDetector
from assay.randomness import numpy_generator

if TYPE_CHECKING:
    from assay.dictionaries import Dictionary


def fit(examples: Examples, dictionary: Dictionary, seed: int) -> Detector:
    """A random mix of the examples' centred means: covariance-shaped, blind to the labels."""
    generator = numpy_generator(seed, "concerns/random_direction")
    centred = examples.means - examples.means.mean(axis=0)
    direction = generator.standard_normal(len(centred)) @ centred
    return LinearDetector("random_direction", direction, 0.0)
