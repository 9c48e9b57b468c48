"""Does the dictionary have a feature for what an organism does, and what does it leave out?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from assay.concerns.conversations.organism_readings import OrganismReadings
from assay.concerns.detectors import Detector, Examples, fit_detector
from assay.concerns.detectors.detector import choose_aggregation, validation_split
from assay.concerns.detectors.feature_sums import FeatureSum
from assay.concerns.matrix.cells import Interval
from assay.concerns.matrix.comparisons import FeatureRecall
from assay.concerns.matrix.measuring import RESAMPLES
from assay.concerns.matrix.scores import TestedConversations
from assay.dictionaries import Dictionary
from assay.errors import AssayError
from assay.randomness import numpy_generator
from assay.statistics import auroc, auroc_columns, auroc_difference_interval, auroc_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

Scores = tuple["NDArray", "NDArray"]
"""The scores of positives and of negatives."""
RAW = "logistic_regression"
ERROR = "dictionary_error"


def feature_recall(
    own: OrganismReadings, tested: TestedConversations, dictionary: Dictionary, seed: int
) -> FeatureRecall | None:
    """The best single feature, raw activations and the dictionary's error, on one organism.

    All are learned from the organism's own discover split and tested on its test split: what is
    asked is whether the dictionary holds what the organism shows, not whether it transfers. None
    where the organism has too few conversations of a class.
    """
    if not (tested.positives and tested.negatives):
        return None
    try:
        examples = Examples.of(own.discover, dictionary)
    except AssayError:
        return None
    labels = examples.labels
    feature = int(np.argmax(auroc_columns(examples.codes[labels], examples.codes[~labels])))
    single = FeatureSum("single_feature", dictionary, [feature], np.ones(1))
    single.aggregation = choose_aggregation(single, validation_split(examples, seed, "recall")[1])

    def scored(detector: Detector) -> Scores:
        return detector.scores(tested.positives), detector.scores(tested.negatives)

    clusters = (
        [c.excerpt.template for c in tested.positives],
        [c.excerpt.template for c in tested.negatives],
    )

    def interval(scores: Scores, what: str) -> Interval | None:
        generator = numpy_generator(seed, f"recall/{what}/{own.organism.name}")
        return auroc_interval(*scores, generator, clusters=clusters, resamples=RESAMPLES)

    best, raw = scored(single), scored(fit_detector(RAW, examples, dictionary, seed))
    error = scored(fit_detector(ERROR, examples, dictionary, seed))
    return FeatureRecall(
        organism=own.organism.name,
        feature=feature,
        feature_auroc=auroc(*best),
        feature_ci=interval(best, "feature"),
        raw_auroc=auroc(*raw),
        raw_ci=interval(raw, "raw"),
        error_auroc=auroc(*error),
        error_ci=interval(error, "error"),
        gap_ci=auroc_difference_interval(
            error,
            best,
            numpy_generator(seed, f"recall/gap/{own.organism.name}"),
            clusters,
            RESAMPLES,
        ),
        n=len(tested.positives) + len(tested.negatives),
        templates=min(len(set(some)) for some in clusters),
    )
