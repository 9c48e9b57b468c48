"""Detector sparse_features: a few dictionary features, weighted by sparse logistic regression."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from assay.concerns.candidates.ranking import contrast_order
from assay.concerns.detectors.detector import Detector, Examples
from assay.concerns.detectors.feature_sums import FeatureSum
from assay.concerns.detectors.one_thread import one_thread

if TYPE_CHECKING:
    from assay.dictionaries import Dictionary

CANDIDATES = 64
"""Number of features, by absolute contrast, from which the regression chooses."""
MOST = 8
"""Largest number of features that are kept."""
PATH = (0.01, 0.03, 0.1, 0.3, 1.0)
"""Inverse strengths of the L1 penalty, from sparse to dense; the last one with at most MOST
    features is used."""


def fit(examples: Examples, dictionary: Dictionary, seed: int) -> Detector:
    """At most MOST features with the weights of an L1-penalised logistic regression."""
    order = contrast_order(examples.codes, examples.labels, absolute=True)[:CANDIDATES]
    codes = examples.codes[:, order].astype(np.float64)
    scale = codes.std(axis=0) + 1e-6
    weights = np.zeros(len(order))
    for strength in PATH:
        probe = LogisticRegression(
            C=strength,
            l1_ratio=1.0,
            solver="liblinear",
            class_weight="balanced",
            random_state=0,
        )
        with warnings.catch_warnings():
            # Where the fit does not converge, the penalty is too weak, and the path ends.
            warnings.simplefilter("error", ConvergenceWarning)
            try:
                with one_thread():
                    found = probe.fit(codes / scale, examples.labels).coef_[0] / scale
            except ConvergenceWarning:
                break
        if weights.any() and np.count_nonzero(found) > MOST:
            break
        weights = found
    kept = np.argsort(-np.abs(weights * scale), kind="stable")[:MOST]
    kept = kept[weights[kept] != 0]
    if len(kept) == 0:
        kept = np.array([0])
        weights[0] = 1.0
    return FeatureSum("sparse_features", dictionary, order[kept], weights[kept])
