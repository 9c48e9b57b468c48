"""What directions that learned nothing reach on an organism: the bar that a detector must exceed.

Conversations of one organism differ in so many ways that some random directions tell them apart. They
reach .5 on average; the best of many cells reaches more by chance. No forward pass is needed: all
directions are scored in one product.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from assay.concerns.aggregation import AGGREGATIONS, aggregate_turns
from assay.concerns.conversations.excerpts import Conversation
from assay.concerns.detectors.detector import Examples, validation_split
from assay.concerns.feature_codes import mean_activations
from assay.concerns.matrix.comparisons import NullDistribution
from assay.concerns.matrix.measuring import LOW_RATES
from assay.concerns.matrix.scores import TestedConversations
from assay.randomness import numpy_generator
from assay.statistics import auroc_columns, partial_auroc_columns

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int
    from numpy.typing import NDArray

Kind = Literal["random_direction", "shuffled_labels"]
KINDS: tuple[Kind, ...] = ("random_direction", "shuffled_labels")
ORDER = ("mean", *(name for name in AGGREGATIONS if name != "mean"))
"""Aggregations in the order in which a detector prefers them on a tie."""
DRAWS = 1000
"""Directions of each kind for one organism, dealt over its strategies. At least 200 are asked for; with
1 000 a level of .05 corrected over 50 cells can be shown."""
LEVEL = 0.05
"""Share of organisms on which the best of all cells would pass by chance."""


def null_distributions(
    organism: str,
    tested: TestedConversations,
    learned: Sequence[tuple[str, Examples]],
    cells: int,
    seed: int,
) -> list[NullDistribution]:
    """What random directions and shuffled labels reach on one organism; none without positives.

    ``learned`` are the strategies that may count, each with the examples that its detectors were
    learned from: the draws' aggregation is chosen on its validation templates, as a detector's is.
    ``cells`` is the number of the organism's cells that may be admitted, over which the level is
    corrected.
    """
    if not (tested.positives and tested.counted and learned and cells):
        return []
    tests = [*tested.positives, *tested.counted]
    labels = np.arange(len(tests)) < len(tested.positives)
    found = []
    for kind in KINDS:
        shares = np.array_split(np.arange(DRAWS), len(learned))
        drawn = [
            _draw(kind, f"{organism}/{strategy}", examples, len(share), seed)
            for (strategy, examples), share in zip(learned, shares, strict=True)
        ]
        directions = np.concatenate([own for own, _ in drawn], axis=1)
        scores = _scores(tests, directions, np.concatenate([chosen for _, chosen in drawn]))
        areas = partial_auroc_columns(scores[labels], scores[~labels], LOW_RATES)
        found.append(_distribution(organism, kind, areas, cells))
    return found


def _distribution(
    organism: str, kind: Kind, areas: Float[NDArray, " draws"], cells: int
) -> NullDistribution:
    """The quantile that a further draw exceeds with at most the corrected probability.

    Of n draws the k-th largest is exceeded by a further one with probability k / (n + 1).
    """
    draws = len(areas)
    rank = max(1, int(LEVEL / cells * (draws + 1)))
    ordered = np.sort(areas)[::-1]
    return NullDistribution(
        organism=organism,
        kind=kind,
        draws=draws,
        quantile=float(ordered[rank - 1]),
        level=max(LEVEL / cells, 1 / (draws + 1)),
        largest=float(ordered[0]),
    )


def _draw(
    kind: Kind, name: str, examples: Examples, draws: int, seed: int
) -> tuple[Float[NDArray, "width draws"], Int[NDArray, " draws"]]:
    """Directions that learned nothing from one strategy, and the aggregation chosen for each.

    They are as wide as all hook sites together; half of them are zero at the further ones.
    """
    fitting, validation = validation_split(examples, seed, kind)
    if fitting.labels.all() or not fitting.labels.any():
        fitting = examples
    generator = numpy_generator(seed, f"concerns/null/{kind}/{name}")
    means = mean_activations(fitting.conversations, at_all_sites=True)
    if kind == "random_direction":
        directions = generator.standard_normal((means.shape[1], draws))
    else:
        labels = np.tile(fitting.labels[:, None], (1, draws))
        directions = _mean_differences(means, generator.permuted(labels, axis=0))
    # Some detectors read one site and some all of them: half of the draws read one.
    directions[examples.means.shape[1] :, : draws // 2] = 0.0
    held = validation.labels
    if examples.by_organism or held.all() or not held.any():
        return directions, np.zeros(draws, dtype=int)
    areas = []
    for number in range(len(ORDER)):
        scores = _scores(validation.conversations, directions, np.full(draws, number))
        areas.append(auroc_columns(scores[held], scores[~held]))
    return directions, np.argmax(areas, axis=0)


def _mean_differences(
    means: Float[NDArray, "conversations width"], labels: Bool[NDArray, "conversations draws"]
) -> Float[NDArray, "width draws"]:
    """The difference in means of each column of labels, all in one product."""
    weights = labels / labels.sum(axis=0) - ~labels / (~labels).sum(axis=0)
    return np.asarray(means.T @ weights)


def _scores(
    conversations: Sequence[Conversation],
    directions: Float[NDArray, "width draws"],
    chosen: Int[NDArray, " draws"],
) -> Float[NDArray, "conversations draws"]:
    """Scores of conversations on every direction, aggregated as was chosen for it."""
    tokens = torch.cat([c.at_all_sites for c in conversations]).numpy() @ directions.astype(
        np.float32
    )
    ends = np.cumsum([len(c.activations) for c in conversations])[:-1]
    parts = np.split(tokens, ends)
    scores = np.empty((len(conversations), directions.shape[1]))
    for number in np.unique(chosen):
        columns = np.flatnonzero(chosen == number)
        for row, (conversation, part) in enumerate(zip(conversations, parts, strict=True)):
            own = aggregate_turns(part[:, columns], conversation.turn_rows, ORDER[number])
            scores[row, columns] = own
    return scores
