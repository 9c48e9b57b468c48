"""Detector logistic_regression on raw activations: the baseline to compare dictionaries with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_score

from assay.concerns.detectors.detector import Detector, Examples
from assay.concerns.detectors.linear import LinearDetector

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import NDArray

    from assay.dictionaries import Dictionary

STRENGTHS = (1e-3, 1e-2, 1e-1)
"""Inverse regularisation strengths, among which cross-validation over templates chooses."""


def fit(examples: Examples, dictionary: Dictionary, seed: int) -> Detector:
    """An L2 probe of each conversation's mean activation, standardised; classes weigh the same."""
    direction, bias = fit_direction(examples.means, examples)
    return LinearDetector("logistic_regression", direction, bias)


def fit_direction(
    means: Float[NDArray, "conversations width"], examples: Examples
) -> tuple[Float[NDArray, " width"], float]:
    """(direction, bias) of an L2 probe of the examples' labels from one mean a conversation."""
    centre = means.mean(axis=0)
    scale = means.std(axis=0) + 1e-6
    x = (means - centre) / scale
    strength = _best_strength(x, examples)
    probe = LogisticRegression(C=strength, class_weight="balanced", max_iter=300)
    probe.fit(x, examples.labels)
    direction = probe.coef_[0] / scale
    return direction, float(probe.intercept_[0] - centre @ direction)


def _best_strength(x: NDArray, examples: Examples) -> float:
    folds = StratifiedGroupKFold(3)
    areas = []
    for strength in STRENGTHS:
        probe = LogisticRegression(C=strength, class_weight="balanced", max_iter=300)
        found = cross_val_score(
            probe,
            x,
            examples.labels,
            groups=examples.templates,
            cv=folds,
            scoring="roc_auc",
            error_score=np.nan,
        )
        areas.append(float(np.nanmean(found)) if np.isfinite(found).any() else 0.5)
    return STRENGTHS[int(np.argmax(areas))]
