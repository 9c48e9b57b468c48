"""Detector difference_in_means (Rimsky et al. 2024; Marks & Tegmark 2024)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.concerns.detectors.detector import Detector, Examples
from assay.concerns.detectors.linear import LinearDetector

if TYPE_CHECKING:
    from assay.dictionaries import Dictionary


def fit(examples: Examples, dictionary: Dictionary | None, seed: int) -> Detector:
    """The direction from the negatives' mean to the positives', with score 0 half-way between."""
    positive = examples.means[examples.labels].mean(axis=0)
    negative = examples.means[~examples.labels].mean(axis=0)
    direction = positive - negative
    return LinearDetector(
        "difference_in_means", direction, -float(direction @ (positive + negative)) / 2
    )
