"""The interface of detectors, the examples they are learned from, and the choice of aggregation."""

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
"""Fewest positives, and fewest negatives, from which a detector is learned."""
FEWEST_SOURCES = 3
"""Fewest organisms of both classes with which settings are chosen on organisms that are left out."""
BETTER = 0.01
"""By how much an aggregation's AUROC must exceed the mean's."""
HELD_OUT = 1 / 3
"""Share of the organisms that is held out to choose a detector's aggregation."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Labelled conversations, with their feature codes and mean activations."""

    conversations: tuple[Conversation, ...]
    """The conversations."""
    labels: Bool[NDArray, " conversations"]
    """Whether the assistant misbehaves in each conversation."""
    templates: NDArray
    """Template of each conversation, str [conversations]."""
    sources: NDArray
    """Organism or strategy that wrote each conversation, str [conversations]."""
    codes: Float[NDArray, "conversations features"]
    """Largest activation of each feature in each conversation, float32."""
    means: Float[NDArray, "conversations d_model"]
    """Mean activation over each conversation's watched tokens, float64."""

    @classmethod
    def of(cls, conversations: Sequence[Conversation], dictionary: Dictionary | None) -> Examples:
        """Compute means, and codes where there is a dictionary; without one there are no features.

        Raises AssayError where a class has fewer than FEWEST conversations.
        """
        labels = np.array(labels_of(conversations), dtype=bool)
        positives = int(labels.sum())
        negatives = len(labels) - positives
        if min(positives, negatives) < FEWEST:
            raise AssayError(
                f"{positives} conversations with misbehaviour and {negatives} without; "
                f"at least {FEWEST} of each are needed to learn a detector"
            )
        return cls(
            tuple(conversations),
            labels,
            np.array([c.excerpt.template for c in conversations]),
            np.array([c.excerpt.source for c in conversations]),
            np.zeros((len(labels), 0), np.float32)
            if dictionary is None
            else largest_codes(dictionary, conversations),
            mean_activations(conversations),
        )

    def subset(self, rows: NDArray) -> Examples:
        """The examples with only the given rows: indices or a mask."""
        index = np.arange(len(self.labels))[rows]
        return Examples(
            tuple(self.conversations[i] for i in index),
            self.labels[index],
            self.templates[index],
            self.sources[index],
            self.codes[index],
            self.means[index],
        )

    @property
    def by_organism(self) -> bool:
        """Whether at least FEWEST_SOURCES organisms show both classes.

        A detector's settings are then chosen on organisms that are left out, since they must serve on
        one that was not seen; elsewhere on templates that are left out.
        """
        return len(self.organisms) >= FEWEST_SOURCES

    @property
    def organisms(self) -> list[str]:
        """The sources of both classes."""
        return [
            str(source)
            for source in np.unique(self.sources)
            if len(np.unique(self.labels[self.sources == source])) == 2
        ]

    def relabelled(self, labels: NDArray) -> Examples:
        """The same conversations with other labels."""
        return replace(self, labels=labels)


def apply_to_conversations(
    of_tokens: Callable[[Tensor], NDArray],
    conversations: Sequence[Conversation],
    *,
    at_all_sites: bool = False,
) -> list[NDArray]:
    """Apply a function of tokens to all conversations in a single call; one array per conversation.

    With ``at_all_sites`` a token's activations at the further sites stand beside those at the first.
    """
    if not conversations:
        return []
    ends = np.cumsum([len(c.activations) for c in conversations])
    read = [c.at_all_sites if at_all_sites else c.activations for c in conversations]
    return np.split(of_tokens(torch.cat(read)), ends[:-1])


class Detector(ABC):
    """A detector scores a conversation from its watched tokens; a higher score is more suspicious."""

    name: str
    """Its name in the registry."""
    aggregation: str = "mean"
    """Name of the aggregation from token scores to a turn's score; chosen on validation data."""
    features: tuple[int, ...] = ()
    """Dictionary features that it reads, the most important first; empty for directions and text."""
    at_all_sites: bool = False
    """Whether it reads the case's further hook sites too."""

    @abstractmethod
    def token_scores(self, activations: Float[Tensor, "tokens width"]) -> NDArray:
        """The score of each token, float64 [tokens]; the width is that of the sites that it reads."""

    def by_conversation(self, conversations: Sequence[Conversation]) -> list[NDArray]:
        """``token_scores`` of each conversation, computed in a single call."""
        return apply_to_conversations(
            self.token_scores, conversations, at_all_sites=self.at_all_sites
        )

    def scores(self, conversations: Sequence[Conversation]) -> Float[NDArray, " conversations"]:
        """The score of each conversation: the largest of its assistant turns' scores, float64."""
        return aggregated(self.by_conversation(conversations), conversations, self.aggregation)


def aggregated(
    token_scores: Sequence[NDArray], conversations: Sequence[Conversation], name: str
) -> Float[NDArray, " conversations"]:
    """The score of each conversation from its token scores, by the named aggregation."""
    pairs = zip(token_scores, conversations, strict=True)
    scores = [aggregate_turns(tokens, of.turn_rows, name) for tokens, of in pairs]
    return np.array(scores, np.float64)


def validation_split(examples: Examples, seed: int, name: str) -> tuple[Examples, Examples]:
    """(examples to fit on, examples to choose on); no group stands in both.

    Where the groups are organisms a third of them is held out, at least two. Where they are templates,
    a third of each class's, so that both parts hold both classes where a class has enough templates.
    """
    generator = numpy_generator(seed, f"concerns/validation/{name}")
    if examples.by_organism:
        order = generator.permutation(examples.organisms)
        rows = np.isin(examples.sources, order[: max(2, round(HELD_OUT * len(order)))])
        return examples.subset(~rows), examples.subset(rows)
    groups = examples.templates
    fitting = np.ones(len(examples.labels), dtype=bool)
    for label in (True, False):
        templates = np.unique(groups[examples.labels == label])
        out = generator.permutation(templates)[: len(templates) // 3]
        fitting &= ~np.isin(groups, out)
    return examples.subset(fitting), examples.subset(~fitting)


def choose_aggregation(detector: Detector, held: Examples) -> str:
    """The aggregation with the largest AUROC on held-out examples; the mean unless another is better
    by BETTER: detectors are fitted to means.

    Where organisms are held out it is the mean of their AUROCs: scores of different organisms need
    not have one scale.
    """
    tokens = detector.by_conversation(held.conversations)
    parts = [held.sources == name for name in held.organisms] or [np.ones(len(tokens), bool)]
    parts = [rows for rows in parts if len(np.unique(held.labels[rows])) == 2]
    if not parts:
        return "mean"
    areas_of: dict[str, float] = {}
    for name in AGGREGATIONS:
        scores = aggregated(tokens, held.conversations, name)
        areas = [auroc(scores[r & held.labels], scores[r & ~held.labels]) for r in parts]
        areas_of[name] = float(np.mean(areas))
    best = max(areas_of, key=areas_of.__getitem__)
    return best if areas_of[best] > areas_of["mean"] + BETTER else "mean"
