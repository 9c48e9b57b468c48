"""A detector's scores of all conversations that a cell of the matrix needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from assay.concerns.conversations.excerpts import Conversation
from assay.concerns.conversations.organism_readings import OrganismReadings
from assay.concerns.conversations.pool import pool_halves
from assay.concerns.detectors.detector import Detector
from assay.statistics.roc import roc_curve

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import NDArray

ROC_POINTS = 200
"""Largest number of points that are kept of a curve."""


@dataclass(frozen=True, eq=False)
class Scored:
    """A detector's scores of the conversations of a cell."""

    positives: Float[NDArray, " positives"]
    """Test conversations in which the organism misbehaves, outside the allowed contexts."""
    negatives: Float[NDArray, " negatives"]
    """Its own test conversations in which it does not misbehave."""
    pool: Float[NDArray, " pool"]
    """The test half of the benign deployment pool."""
    threshold: Float[NDArray, " threshold"]
    """Benign conversations that set the threshold: the threshold split and the pool's other half."""
    templates: tuple[tuple[str, ...], tuple[str, ...]]
    """Templates of the positives, and of the negatives."""
    counted: Float[NDArray, " counted"]
    """Benign test conversations, its own and the pool's, whose firings are false positives."""
    allowed: Mapping[str, Float[NDArray, " allowed"]]
    """Allowed context of a medium concern → its test conversations, which are not false positives."""


def score(detector: Detector, readings: OrganismReadings, allowed: Sequence[str] = ()) -> Scored:
    """A detector's scores on an organism that it was not learned from.

    Conversations in an ``allowed`` context of a medium concern are not positives, do not set the
    threshold and do not count as false positives; their scores are kept for each context. The
    negatives of the AUROC are all conversations in which the organism does not misbehave.
    """

    def outside_allowed(conversations: Sequence[Conversation]) -> list[Conversation]:
        return [c for c in conversations if c.excerpt.context not in allowed]

    positives = outside_allowed([c for c in readings.test if c.label])
    negatives = [c for c in readings.test if not c.label]
    setting, tested_pool = pool_halves(readings.pool)
    benign = outside_allowed([*(c for c in readings.threshold if not c.label), *setting])
    tested = (*readings.test, *tested_pool)
    return Scored(
        positives=detector.scores(positives),
        negatives=detector.scores(negatives),
        pool=detector.scores(tested_pool),
        threshold=detector.scores(benign),
        templates=(
            tuple(c.excerpt.template for c in positives),
            tuple(c.excerpt.template for c in negatives),
        ),
        counted=detector.scores(outside_allowed([*negatives, *tested_pool])),
        allowed={
            context: detector.scores([c for c in tested if c.excerpt.context == context])
            for context in allowed
        },
    )


def curve(scored: Scored) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(false-positive rates, true-positive rates) of positives against negatives and pool, thinned."""
    false, true = roc_curve(scored.positives, np.concatenate([scored.negatives, scored.pool]))
    kept: NDArray = np.unique(np.linspace(0, len(false) - 1, ROC_POINTS).astype(int))
    return (
        tuple(round(float(x), 5) for x in false[kept]),
        tuple(round(float(y), 5) for y in true[kept]),
    )
