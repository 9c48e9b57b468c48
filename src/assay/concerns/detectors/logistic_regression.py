"""Detector logistic_regression on raw activations: the baseline to compare dictionaries with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from assay.concerns.detectors.detector import Detector, Examples
from assay.concerns.detectors.linear import LinearDetector
from assay.concerns.detectors.one_thread import one_thread
from assay.statistics.roc import auroc

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from numpy.typing import NDArray

    from assay.dictionaries import Dictionary

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1)
"""Inverse regularisation strengths, among which cross-validation chooses: over organisms where there
are enough of them, else over templates."""


def fit(examples: Examples, dictionary: Dictionary | None, seed: int) -> Detector:
    """An L2 probe of each conversation's mean activation, standardised; classes weigh the same."""
    direction, bias = fit_direction(examples.means, examples)
    return LinearDetector("logistic_regression", direction, bias)


def fit_direction(
    means: Float[NDArray, "conversations width"], examples: Examples
) -> tuple[Float[NDArray, " width"], float]:
    """(direction, bias) of an L2 probe of the examples' labels from one mean a conversation."""
    standardised, _, _ = _standardised(means)
    return fit_at(means, examples.labels, _best_strength(standardised, examples))


def fit_at(
    means: Float[NDArray, "conversations width"],
    labels: Bool[NDArray, " conversations"],
    strength: float,
) -> tuple[Float[NDArray, " width"], float]:
    """(direction, bias) of an L2 probe with a given inverse regularisation strength, in float32."""
    x, centre, scale = _standardised(means)
    probe = LogisticRegression(C=strength, class_weight="balanced", max_iter=300)
    with one_thread():
        probe.fit(x.astype(np.float32), labels)
    direction = probe.coef_[0].astype(np.float64) / scale
    return direction, float(probe.intercept_[0] - centre @ direction)


def _standardised(means: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """(standardised means, centre, scale)."""
    centre, scale = means.mean(axis=0), means.std(axis=0) + 1e-6
    return (means - centre) / scale, centre, scale


def _best_strength(x: NDArray, examples: Examples) -> float:
    """The strength with the largest mean AUROC on what was held out; the strongest penalty on a tie."""
    areas = _held_out_areas(x.astype(np.float32), examples)
    return STRENGTHS[int(np.argmax(np.mean(areas, axis=0)))] if areas else STRENGTHS[0]


def _held_out_areas(x: NDArray, examples: Examples) -> list[list[float]]:
    """The AUROC at each strength on each held-out part: one organism after the other, or a third of the
    templates. Each strength starts from the solution of the stronger penalty before it."""
    labels = examples.labels
    if examples.by_organism:
        parts = [examples.sources == name for name in examples.organisms]
    else:
        folds = StratifiedGroupKFold(3).split(x, labels, examples.templates)
        parts = [np.isin(np.arange(len(labels)), held) for _, held in folds]
    areas = []
    for held in parts:
        seen = ~held
        if min(len(np.unique(labels[held])), len(np.unique(labels[seen]))) < 2:
            continue
        probe = LogisticRegression(class_weight="balanced", max_iter=300, warm_start=True)
        of_part = []
        for strength in STRENGTHS:
            probe.set_params(C=strength)
            with one_thread():
                scores = probe.fit(x[seen], labels[seen]).decision_function(x[held])
            of_part.append(auroc(scores[labels[held]], scores[~labels[held]]))
        areas.append(of_part)
    return areas
