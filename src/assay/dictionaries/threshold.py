"""Threshold inference: a feature fires where its pre-activation exceeds its own threshold."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from assay.dictionaries.codes import SparseCodes
from assay.dictionaries.dictionary import Dictionary

if TYPE_CHECKING:
    from jaxtyping import Float, Int


class ThresholdDictionary(Dictionary):
    """A dictionary whose features can each be computed alone: z = u · H(u − θ), θ >= 0."""

    saelens_architecture: ClassVar[str] = "jumprelu"

    @property
    @abstractmethod
    def thresholds(self) -> Float[Tensor, " width"]:
        """θ of each feature, >= 0."""

    def select(self, u: Float[Tensor, "rows width"]) -> SparseCodes:
        """The entries above their feature's threshold."""
        rows, features = torch.nonzero(u > self.thresholds, as_tuple=True)
        return SparseCodes.from_rows(
            rows, features, u[rows, features], row_count=len(u), width=self.width
        )

    def encode_features(
        self, x: Float[Tensor, "rows d_in"], features: Int[Tensor, " watched"]
    ) -> Float[Tensor, "rows watched"]:
        """Activations of a few features alone, float32, by one product [rows, d] × [d, watched]."""
        u = self.pre_activations(x, features)
        return torch.where(u > self.thresholds[features], u, 0.0)
