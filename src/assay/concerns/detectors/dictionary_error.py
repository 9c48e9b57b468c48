"""Logistic regression on what the dictionary leaves out: x − x̂, which no feature holds.

Where it does as well as raw activations and the features do not, what tells the classes apart is not in
the dictionary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from assay.concerns.conversations.excerpts import Conversation
from assay.concerns.detectors.detector import Detector, Examples
from assay.concerns.detectors.logistic_regression import fit_direction
from assay.concerns.feature_codes import reconstruction_errors

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import NDArray
    from torch import Tensor

    from assay.dictionaries import Dictionary


class ErrorDetector(Detector):
    """⟨direction, x − x̂⟩ + bias on each token, x̂ being the dictionary's reconstruction."""

    name = "dictionary_error"

    def __init__(
        self, dictionary: Dictionary, direction: Float[NDArray, " d_model"], bias: float
    ) -> None:
        self.direction = np.asarray(direction, dtype=np.float64)
        self.bias = float(bias)
        self._dictionary = dictionary

    def token_scores(self, activations: Float[Tensor, "tokens d_model"]) -> NDArray:
        """One score a token."""
        with torch.no_grad():
            error = activations - self._dictionary(activations)
        return self._of_errors(error.numpy())

    def by_conversation(self, conversations: Sequence[Conversation]) -> list[NDArray]:
        """``token_scores`` of each conversation; its error is computed once for all detectors."""
        return [self._of_errors(e) for e in reconstruction_errors(self._dictionary, conversations)]

    def _of_errors(self, error: Float[NDArray, "tokens d_model"]) -> NDArray:
        return np.asarray(error @ self.direction.astype(np.float32), np.float64) + self.bias


def fit(examples: Examples, dictionary: Dictionary, seed: int) -> Detector:
    """An L2 probe of each conversation's mean error, standardised; classes weigh the same."""
    errors = reconstruction_errors(dictionary, examples.conversations)
    means = np.stack([error.mean(axis=0, dtype=np.float64) for error in errors])
    return ErrorDetector(dictionary, *fit_direction(means, examples))
