"""Detector logistic_regression on raw activations: the baseline to compare dictionaries with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_score

from assay.concerns.detectors.detector import Detector, Examples
from assay.concerns.detectors.linear import LinearDetector

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from assay.dictionaries import Dictionary

STRENGTHS = (1e-3, 1e-2, 1e-1)
"""Inverse regularisation strengths, among which cross-validation over templates chooses."""


def fit(examples: Examples, dictionary: Dictionary, seed: int) -> Detector:
    """An L2-regularised probe on each conversation's standardised mean activation, classes balanced."""
    centre = examples.means.mean(axis=0)
    scale = examples.means.std(axis=0) + 1e-6
    x = (examples.means - centre) / scale
    strength = _best_strength(x, examples)
    probe = LogisticRegression(C=strength, class_weight="balanced", max_iter=300)
    probe.fit(x, examples.labels)
    direction = probe.coef_[0] / scale
    bias = float(probe.intercept_[0] - centre @ direction)
    return LinearDetector("logistic_regression", direction, bias)


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
