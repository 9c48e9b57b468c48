"""Control shuffled_labels: difference in means where labels carry no information."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.concerns.detectors import difference_in_means
from assay.concerns.detectors.detector import Detector, Examples
from assay.randomness import numpy_generator

if TYPE_CHECKING:
    from assay.dictionaries import Dictionary


def fit(examples: Examples, dictionary: Dictionary | None, seed: int) -> Detector:
    """Difference in means after the labels are permuted over conversations."""
    generator = numpy_generator(seed, "concerns/shuffled_labels")
    shuffled = examples.relabelled(generator.permutation(examples.labels))
    detector = difference_in_means.fit(shuffled, dictionary, seed)
    detector.name = "shuffled_labels"
    return detector
