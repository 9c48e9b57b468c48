"""A detector that scores a token by a weighted sum of a few dictionary features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from assay.concerns.detectors.detector import Detector
from assay.concerns.feature_codes import codes_alone

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import ArrayLike, NDArray
    from torch import Tensor

    from assay.dictionaries import Dictionary


class FeatureSum(Detector):
    """Σ weight · z on each token, where z are the features' activations."""

    def __init__(
        self, name: str, dictionary: Dictionary, features: ArrayLike, weights: ArrayLike
    ) -> None:
        self.name = name
        self.features = tuple(int(feature) for feature in np.asarray(features))
        self.weights = np.asarray(weights, dtype=np.float64)
        self._dictionary = dictionary

    def token_scores(self, activations: Float[Tensor, "tokens d_model"]) -> NDArray:
        """The score of each token, float64 [tokens], computed from these features only."""
        return np.asarray(self.token_codes(activations) @ self.weights)

    def token_codes(
        self, activations: Float[Tensor, "tokens d_model"]
    ) -> Float[NDArray, "tokens features"]:
        """The activations of the features on each token, float64."""
        found = codes_alone(self._dictionary, activations, self.features)
        return np.asarray(found.double().numpy())
