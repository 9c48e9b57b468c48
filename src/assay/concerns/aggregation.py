"""Aggregation of token scores to the score of a turn, and of turns to that of a conversation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from assay.errors import AssayError, unknown_name

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import NDArray

TOP_K = 4
"""Number of largest token scores that ``top_k_mean`` averages."""
WINDOW = 4
"""Number of tokens in the rolling mean."""
DECAY = 0.8
"""Weight of the past in the exponential moving average."""


def _max(scores: NDArray) -> NDArray:
    return np.asarray(scores.max(axis=0))


def _mean(scores: NDArray) -> NDArray:
    return np.asarray(scores.mean(axis=0))


def _top_k_mean(scores: NDArray) -> NDArray:
    k = min(TOP_K, len(scores))
    return np.asarray(np.partition(scores, len(scores) - k, axis=0)[-k:].mean(axis=0))


def _ema(scores: NDArray) -> NDArray:
    """The largest value of an exponential moving average that starts at the first token's score."""
    average = scores[0]
    largest = average
    for score in scores[1:]:
        average = DECAY * average + (1 - DECAY) * score
        largest = np.maximum(largest, average)
    return np.asarray(largest)


def _rolling_mean_max(scores: NDArray) -> NDArray:
    width = min(WINDOW, len(scores))
    sums = np.cumsum(scores, axis=0, dtype=np.float64)
    sums = np.concatenate([np.zeros_like(sums[:1]), sums])
    return np.asarray((sums[width:] - sums[:-width]).max(axis=0) / width)


AGGREGATIONS: dict[str, Callable[[NDArray], NDArray]] = {
    "max": _max,
    "mean": _mean,
    "top_k_mean": _top_k_mean,
    "ema": _ema,
    "rolling_mean_max": _rolling_mean_max,
}
"""Name → function that aggregates over the first axis (tokens)."""


def aggregate(
    token_scores: Float[NDArray, " tokens"] | Float[NDArray, "tokens features"], name: str
) -> NDArray:
    """The score of a turn from the scores of its tokens, for each feature separately.

    Returns a scalar array for [tokens], and [features] for [tokens, features], float64. Raises
    AssayError for an unknown name and where there are no tokens.

    >>> float(aggregate([0.0, 1.0, 5.0], "mean")), float(aggregate([0.0, 1.0, 5.0], "max"))
    (2.0, 5.0)
    """
    if name not in AGGREGATIONS:
        raise unknown_name("aggregation", name, AGGREGATIONS)
    scores = np.asarray(token_scores, dtype=np.float64)
    if len(scores) == 0:
        raise AssayError("a conversation without watched tokens has no score")
    return AGGREGATIONS[name](scores)


def aggregate_turns(
    token_scores: Float[NDArray, " tokens"] | Float[NDArray, "tokens features"],
    turns: Sequence[slice],
    name: str,
) -> NDArray:
    """A conversation's score: the largest of the aggregated scores of its assistant turns.

    ``turns`` are the rows of each turn (``Conversation.turn_rows``). Shapes and errors are those of
    ``aggregate``.
    """
    if not turns:
        raise AssayError("a conversation without watched tokens has no score")
    scores = np.asarray(token_scores, dtype=np.float64)
    return np.asarray(np.max([aggregate(scores[rows], name) for rows in turns], axis=0))
