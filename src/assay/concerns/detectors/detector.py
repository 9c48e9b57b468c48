"""What every detector is: fitted on some conversations, it scores others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from assay.concerns.aggregation import AGGREGATIONS, aggregate_turns
from assay.concerns.conversations.excerpts import Conversation, labels_of
from assay.concerns.feature_codes import largest_codes, mean_activations
from assay.errors import AssayError
from assay.randomness import numpy_generator
from assay.statistics.roc import auroc

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from numpy.typing import NDArray
    from torch import Tensor

    from assay.dictionaries import Dictionary

FEWEST = 8
"""Fewest positives and fewest negatives from which a detector is learned."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Labelled conversations, with what detectors compute of them."""

    conversations: tuple[Conversation, ...]
    """The conversations."""
    labels: Bool[NDArray, " conversations"]
    """Whether each misbehaves."""
    templates: NDArray
    """The template of each."""
    codes: Float[NDArray, "conversations features"]
    """Largest activation of every feature in each conversation."""
    means: Float[NDArray, "conversations d_model"]
    """Mean activation of each conversation's watched tokens."""

    @classmethod
    def of(cls, conversations: Sequence[Conversation], dictionary: Dictionary) -> Examples:
        """Compute codes and means. Raises AssayError where one class has fewer than FEWEST."""
        labels = np.array(labels_of(conversations), dtype=bool)
        positives = int(labels.sum())
        negatives = len(labels) - positives
        if min(positives, negatives) < FEWEST:
            raise AssayError(
                f"{positives} conversations that misbehave and {negatives} that do not; "
                f"at least {FEWEST} of each are needed to learn a detector"
            )
        return cls(
            tuple(conversations),
            labels,
            np.array([c.excerpt.template for c in conversations]),
            largest_codes(dictionary, conversations),
            mean_activations(conversations),
        )

    def subset(self, rows: NDArray) -> Examples:
        """Some of the conversations, by index or mask."""
        index = np.arange(len(self.labels))[rows]
        return Examples(
            tuple(self.conversations[i] for i in index),
            self.labels[index],
            self.templates[index],
            self.codes[index],
            self.means[index],
        )

    def relabelled(self, labels: NDArray) -> Examples:
        """The same conversations with other labels."""
        return replace(self, labels=labels)


def apply_to_conversations(
    of_tokens: Callable[[Tensor], NDArray], conversations: Sequence[Conversation]
) -> list[NDArray]:
    """A function of tokens, computed for all conversations in one call; one array a conversation."""
    if not conversations:
        return []
    ends = np.cumsum([len(c.activations) for c in conversations])
    found = of_tokens(torch.cat([c.activations for c in conversations]))
    return np.split(found, ends[:-1])


class Detector(ABC):
    """Scores a conversation from its watched tokens; higher is more suspicious."""

    name: str
    """As it is registered."""
    aggregation: str = "mean"
    """How token scores become a turn's; chosen on validation data alone."""
    features: tuple[int, ...] = ()
    """Dictionary features that it reads, the most important first; none for directions and text."""

    @abstractmethod
    def token_scores(self, activations: Float[Tensor, "tokens d_model"]) -> NDArray:
        """One score a token, float64 [tokens]."""

    def by_conversation(self, conversations: Sequence[Conversation]) -> list[NDArray]:
        """``token_scores`` of each conversation, computed in one call for all of them."""
        return apply_to_conversations(self.token_scores, conversations)

    def scores(self, conversations: Sequence[Conversation]) -> Float[NDArray, " conversations"]:
        """One score a conversation: the largest over its assistant turns."""
        return aggregated(self.by_conversation(conversations), conversations, self.aggregation)


def aggregated(
    token_scores: Sequence[NDArray], conversations: Sequence[Conversation], name: str
) -> Float[NDArray, " conversations"]:
    """One score a conversation from those of its tokens, by the aggregation of that name."""
    pairs = zip(token_scores, conversations, strict=True)
    scores = [aggregate_turns(tokens, of.turn_rows, name) for tokens, of in pairs]
    return np.array(scores, np.float64)


def split_by_template(examples: Examples, seed: int, name: str) -> tuple[Examples, Examples]:
    """Two thirds of the templates to fit on, the rest to choose an aggregation on.

    Templates are dealt within each class, so that both sides see both wherever there are two
    templates of a class.
    """
    generator = numpy_generator(seed, f"concerns/validation/{name}")
    fitting = np.ones(len(examples.labels), dtype=bool)
    for label in (True, False):
        templates = np.unique(examples.templates[examples.labels == label])
        held = generator.permutation(templates)[: len(templates) // 3]
        fitting &= ~np.isin(examples.templates, held)
    return examples.subset(fitting), examples.subset(~fitting)


def choose_aggregation(detector: Detector, validation: Examples) -> str:
    """The aggregation with the largest AUROC on validation conversations; the mean on a tie."""
    labels = validation.labels
    if labels.all() or not labels.any():
        return "mean"
    tokens = detector.by_conversation(validation.conversations)
    best, chosen = -1.0, "mean"
    for name in ("mean", *(other for other in AGGREGATIONS if other != "mean")):
        scores = aggregated(tokens, validation.conversations, name)
        area = auroc(scores[labels], scores[~labels])
        if area > best + 1e-9:
            best, chosen = area, name
    return chosen
