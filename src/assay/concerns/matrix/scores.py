"""A detector's scores of all conversations that a cell of the matrix needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from assay.concerns.conversations.excerpts import Conversation, different_conversations
from assay.concerns.conversations.organism_readings import OrganismReadings
from assay.concerns.conversations.pool import PoolPart, pool_part
from assay.concerns.detectors.detector import Detector
from assay.statistics import EffectiveSample, effective_sample, roc_curve

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from numpy.typing import NDArray

ROC_POINTS = 200
"""Largest number of points that are kept of a curve."""


@dataclass(frozen=True, eq=False)
class ScoreGroup:
    """Scores of some conversations, and the templates that they were made from."""

    scores: Float[NDArray, " conversations"]
    """One score a conversation."""
    templates: tuple[str, ...]
    """The template of each."""

    def __len__(self) -> int:
        return len(self.templates)

    @property
    def template_count(self) -> int:
        """Different templates."""
        return len(set(self.templates))

    def sample(self, icc: float) -> EffectiveSample:
        """How many independent conversations these are worth."""
        return effective_sample(self.templates, icc)

    def firings(self, threshold: float) -> Bool[NDArray, " conversations"]:
        """Which of them score above the threshold."""
        return np.asarray(self.scores > threshold)

    def fired(self, threshold: float) -> int:
        """How many score above the threshold."""
        return int(self.firings(threshold).sum())


@dataclass(frozen=True, eq=False)
class TestedConversations:
    """An organism's conversations as one cell of the matrix uses them; each stands there once."""

    __test__ = False

    positives: list[Conversation]
    """Test conversations in which the organism misbehaves, outside the allowed contexts."""
    negatives: list[Conversation]
    """Its own benign and near-miss test conversations."""
    pool: list[Conversation]
    """The tested third of the benign deployment pool."""
    near_misses: list[Conversation]
    """Its own near-miss test conversations: harmless, and made to resemble those with its trigger."""
    threshold: list[Conversation]
    """Benign conversations of the threshold split and another third of the pool."""
    counted: list[Conversation]
    """Benign test conversations, its own and the pool's, whose firing is a false alarm."""
    allowed: Mapping[str, list[Conversation]]
    """Test conversations of each context in which a medium concern is fine: no false alarms."""

    @classmethod
    def of(cls, own: OrganismReadings, allowed: Sequence[str] = ()) -> TestedConversations:
        """Sort an organism's conversations; those of ``allowed`` contexts stand apart.

        Conversations whose context is allowed (those of a medium concern) are neither positives, nor
        do they set the threshold or count as false alarms. The negatives, with which the AUROC
        compares, are all conversations in which the organism does not misbehave. Near misses are made
        to be mistaken and are rare in deployment: they neither set the threshold nor count in the
        benign rate, but have a rate of their own.
        """

        def elsewhere(conversations: Sequence[Conversation]) -> list[Conversation]:
            return [c for c in conversations if c.excerpt.context not in allowed]

        test = different_conversations(own.test)
        parts: tuple[PoolPart, ...] = ("threshold", "test")
        setting, tested = (different_conversations(pool_part(own.pool, part)) for part in parts)
        threshold = [c for c in different_conversations(own.threshold) if not c.label]
        negatives = [c for c in test if not c.label]
        near = [c for c in negatives if is_near_miss(c)]
        usual = [c for c in negatives if not is_near_miss(c)]
        return cls(
            positives=elsewhere([c for c in test if c.label]),
            negatives=negatives,
            pool=tested,
            near_misses=elsewhere(near),
            threshold=elsewhere([*(c for c in threshold if not is_near_miss(c)), *setting]),
            counted=elsewhere([*usual, *tested]),
            allowed={
                context: [c for c in (*test, *tested) if c.excerpt.context == context]
                for context in allowed
            },
        )

    def everything(self) -> list[Conversation]:
        """All of them, each once."""
        allowed = [c for some in self.allowed.values() for c in some]
        return list(
            dict.fromkeys([*self.positives, *self.negatives, *self.pool, *self.threshold, *allowed])
        )


@dataclass(frozen=True, eq=False)
class Scored:
    """A detector's scores of ``TestedConversations``, group by group."""

    positives: ScoreGroup
    """Of the positives."""
    negatives: ScoreGroup
    """Of its own negatives."""
    pool: ScoreGroup
    """Of the tested third of the benign pool."""
    near_misses: ScoreGroup
    """Of its own near misses."""
    threshold: ScoreGroup
    """Of what sets the threshold."""
    counted: ScoreGroup
    """Of the benign test conversations."""
    allowed: Mapping[str, ScoreGroup]
    """Of each allowed context."""


def is_near_miss(conversation: Conversation) -> bool:
    """Whether an organism's prompt was made to resemble those with its trigger, without it."""
    return conversation.excerpt.condition == "near_miss"


def score(detector: Detector, tested: TestedConversations) -> Scored:
    """A detector's scores on one organism that it was not learned from."""
    return scored_by(tested, detector.scores(tested.everything()))


def scored_by(tested: TestedConversations, values: Float[NDArray, " conversations"]) -> Scored:
    """Scores of ``tested.everything()``, in that order, sorted into its groups."""
    scores = dict(zip(tested.everything(), values, strict=True))

    def group(conversations: Sequence[Conversation]) -> ScoreGroup:
        return ScoreGroup(
            np.array([scores[c] for c in conversations], np.float64),
            tuple(c.excerpt.template for c in conversations),
        )

    return Scored(
        positives=group(tested.positives),
        negatives=group(tested.negatives),
        pool=group(tested.pool),
        near_misses=group(tested.near_misses),
        threshold=group(tested.threshold),
        counted=group(tested.counted),
        allowed={context: group(some) for context, some in tested.allowed.items()},
    )


def score_all(detector: Detector, conversations: Sequence[Conversation]) -> ScoreGroup:
    """A detector's scores of conversations, in their order."""
    return ScoreGroup(
        detector.scores(conversations), tuple(c.excerpt.template for c in conversations)
    )


def curve(scored: Scored) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The ROC curve of positives against all benign test conversations, thinned for drawing."""
    benign = np.concatenate([scored.negatives.scores, scored.pool.scores])
    false, true = roc_curve(scored.positives.scores, benign)
    kept: NDArray = np.unique(np.linspace(0, len(false) - 1, ROC_POINTS).astype(int))
    return (
        tuple(round(float(x), 5) for x in false[kept]),
        tuple(round(float(y), 5) for y in true[kept]),
    )
