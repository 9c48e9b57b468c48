"""Detector novelty: how far a reply lies from benign ones; it learns from no misbehaviour at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from sklearn.covariance import LedoitWolf

from assay.concerns.conversations.excerpts import Conversation
from assay.concerns.conversations.pool import POOL
from assay.concerns.detectors.detector import FEWEST, Detector, Examples
from assay.concerns.detectors.one_thread import one_thread

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import NDArray
    from torch import Tensor

    from assay.dictionaries import Dictionary


class NoveltyDetector(Detector):
    """The Mahalanobis distance of a turn's mean activation from that of benign replies."""

    name = "novelty"

    def __init__(
        self, centre: Float[NDArray, " d_model"], precision: Float[NDArray, "d_model d_model"]
    ) -> None:
        self._centre = centre
        self._precision = precision

    def token_scores(self, activations: Float[Tensor, "tokens d_model"]) -> NDArray:
        """The distance of each token by itself, float64 [tokens]; shown, and not what is judged."""
        return self._distances(activations.double().numpy())

    def scores(self, conversations: Sequence[Conversation]) -> Float[NDArray, " conversations"]:
        """The largest distance of a turn, for each conversation."""
        means = [
            conversation.activations[rows].double().mean(dim=0).numpy()
            for conversation in conversations
            for rows in conversation.turn_rows
        ]
        if not means:
            return np.zeros(0)
        ends = np.cumsum([len(conversation.turn_rows) for conversation in conversations])[:-1]
        parts = np.split(self._distances(np.stack(means)), ends)
        return np.array([part.max() for part in parts], np.float64)

    def _distances(self, x: NDArray) -> NDArray:
        away = x - self._centre
        return np.asarray(np.sqrt(np.einsum("id,de,ie->i", away, self._precision, away)))


def fit(examples: Examples, dictionary: Dictionary | None, seed: int) -> Detector:
    """Centre and shrunk covariance (Ledoit & Wolf 2004) of the benign pool among the negatives.

    Where the examples hold too little of the pool, of all negatives. Labels of misbehaviour are not
    used: what it finds needs no example of what it looks for.
    """
    benign = ~examples.labels & (examples.sources == POOL)
    if benign.sum() < FEWEST:
        benign = ~examples.labels
    with one_thread():
        found = LedoitWolf().fit(examples.means[benign])
    return NoveltyDetector(found.location_, found.precision_)
