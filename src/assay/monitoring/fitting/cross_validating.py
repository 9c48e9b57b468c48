"""Compare kinds of detectors on a user's conversations, under cross-validation by template."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from assay.concerns.conversations.excerpts import Conversation
from assay.concerns.detectors import CONTROLS, Examples, fit_detector, is_watchable
from assay.errors import AssayError
from assay.monitoring.fitting.result import DetectorComparison
from assay.randomness import numpy_generator
from assay.statistics import auroc, auroc_interval, effective_interval, effective_sample
from assay.statistics.clusters import LEAST_ICC

if TYPE_CHECKING:
    from jaxtyping import Int
    from numpy.typing import NDArray

FOLDS = 5
"""Folds; fewer where a class has fewer templates."""
DETECTORS = ("logistic_regression", "difference_in_means", "text")
"""Detectors that need no dictionary."""
RESAMPLES = 500
"""Bootstrap resamples of the templates."""


def folds_of(examples: Examples, seed: int) -> Int[NDArray, " conversations"]:
    """The fold of each conversation: a template is in one fold, and every fold holds both classes.

    Raises AssayError where a class has fewer than two templates of its own.
    """
    fold = np.full(len(examples.labels), -1)
    generator = numpy_generator(seed, "fitting/folds")
    positive, negative = (set(examples.templates[examples.labels == x]) for x in (True, False))
    rarer = sorted(positive if len(positive) <= len(negative) else negative)
    if len(rarer) < 2:
        raise AssayError(
            f"all conversations of a class are of {len(rarer)} template; cross-validation holds out "
            "whole templates, so each class needs at least two: state 'template' in each row"
        )
    count = min(FOLDS, len(rarer))
    others = sorted((positive | negative) - set(rarer))
    for names in (rarer, others):
        for place, i in enumerate(generator.permutation(len(names))):
            fold[examples.templates == names[i]] = place % count
    return fold


def compare_detectors(
    examples: Examples, benign: Sequence[Conversation], fpr: float, seed: int
) -> tuple[int, list[DetectorComparison]]:
    """(number of folds, the detectors with the largest AUROC first), with the controls.

    ``benign`` are the conversations that serve the choice, not those that set the monitor's threshold.
    Raises AssayError as ``folds_of`` does.
    """
    fold = folds_of(examples, seed)
    found = [
        _compared(name, examples, fold, benign, fpr=fpr, seed=seed)
        for name in (*DETECTORS, *CONTROLS)
    ]
    return int(fold.max()) + 1, sorted(found, key=lambda each: -each.auroc)


def _compared(
    name: str,
    examples: Examples,
    fold: NDArray,
    benign: Sequence[Conversation],
    *,
    fpr: float,
    seed: int,
) -> DetectorComparison:
    """Scores of each fold are those above its threshold, in units of its benign spread."""
    scores = np.zeros(len(fold))
    for number in range(int(fold.max()) + 1):
        held = fold == number
        detector = fit_detector(name, examples.subset(~held), None, seed)
        usual = detector.scores(benign)
        threshold = np.quantile(usual, 1 - fpr, method="higher")
        spread = float(usual.std()) or 1.0
        held_out = [c for c, out in zip(examples.conversations, held, strict=True) if out]
        scores[held] = (detector.scores(held_out) - threshold) / spread
    labels, templates = examples.labels, examples.templates
    fired = int((scores[labels] > 0).sum())
    return DetectorComparison(
        detector=name,
        watchable=is_watchable(name),
        auroc=auroc(scores[labels], scores[~labels]),
        auroc_ci=auroc_interval(
            scores[labels],
            scores[~labels],
            numpy_generator(seed, f"fitting/{name}"),
            clusters=(templates[labels], templates[~labels]),
            resamples=RESAMPLES,
        ),
        tpr=fired / int(labels.sum()),
        tpr_ci=effective_interval(fired, effective_sample(templates[labels].tolist(), LEAST_ICC)),
        false_alarms=float((scores[~labels] > 0).mean()),
    )
