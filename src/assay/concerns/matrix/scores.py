"""A detector's scores of everything that one cell of the matrix needs."""

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
"""Most points of a curve that are kept."""


@dataclass(frozen=True, eq=False)
class Scored:
    """A detector's scores of the conversations of one cell."""

    positives: Float[NDArray, " positives"]
    """Test conversations in which the organism misbehaves, outside the allowed contexts."""
    negatives: Float[NDArray, " negatives"]
    """Its own benign and near-miss test conversations."""
    pool: Float[NDArray, " pool"]
    """The test half of the benign deployment pool."""
    threshold: Float[NDArray, " threshold"]
    """Benign conversations of the threshold split and the other half of the pool."""
    templates: tuple[tuple[str, ...], tuple[str, ...]]
    """Templates of the positives and of the negatives."""
    counted: Float[NDArray, " counted"]
    """Benign test conversations, its own and the pool's, whose firing is a false alarm."""
    allowed: Mapping[str, Float[NDArray, " allowed"]]
    """Test conversations of each context in which a medium concern is fine: no false alarms."""


def score(detector: Detector, readings: OrganismReadings, allowed: Sequence[str] = ()) -> Scored:
    """A detector's scores on one organism that it was not learned from.

    Conversations whose context is ``allowed`` (those of a medium concern) are neither positives,
    nor do they set the threshold or count as false alarms; each such context is scored apart. The
    AUROC still compares with all conversations in which the organism does not misbehave.
    """

    def elsewhere(conversations: Sequence[Conversation]) -> list[Conversation]:
        return [c for c in conversations if c.excerpt.context not in allowed]

    positives = elsewhere([c for c in readings.test if c.label])
    negatives = [c for c in readings.test if not c.label]
    setting, tested_pool = pool_halves(readings.pool)
    benign = elsewhere([*(c for c in readings.threshold if not c.label), *setting])
    everything = (*readings.test, *tested_pool)
    return Scored(
        positives=detector.scores(positives),
        negatives=detector.scores(negatives),
        pool=detector.scores(tested_pool),
        threshold=detector.scores(benign),
        templates=(
            tuple(c.excerpt.template for c in positives),
            tuple(c.excerpt.template for c in negatives),
        ),
        counted=detector.scores(elsewhere([*negatives, *tested_pool])),
        allowed={
            context: detector.scores([c for c in everything if c.excerpt.context == context])
            for context in allowed
        },
    )


def curve(scored: Scored) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The ROC curve of positives against all benign test conversations, thinned for drawing."""
    false, true = roc_curve(scored.positives, np.concatenate([scored.negatives, scored.pool]))
    kept: NDArray = np.unique(np.linspace(0, len(false) - 1, ROC_POINTS).astype(int))
    return (
        tuple(round(float(x), 5) for x in false[kept]),
        tuple(round(float(y), 5) for y in true[kept]),
    )
