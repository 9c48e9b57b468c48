"""A detector that scores a token by a direction in activation space."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from assay.concerns.detectors.detector import Detector

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import NDArray
    from torch import Tensor


class LinearDetector(Detector):
    """⟨direction, x⟩ + bias on each token."""

    def __init__(
        self,
        name: str,
        direction: Float[NDArray, " width"],
        bias: float,
        *,
        at_all_sites: bool = False,
    ) -> None:
        self.name = name
        self.at_all_sites = at_all_sites
        self.direction = np.asarray(direction, dtype=np.float64)
        self.bias = float(bias)

    def token_scores(self, activations: Float[Tensor, "tokens width"]) -> NDArray:
        """The score of each token, float64 [tokens]; the product is in float32, as a monitor's is."""
        direction = torch.tensor(self.direction, dtype=torch.float32)
        return np.asarray((activations @ direction).double().numpy() + self.bias)
