"""JumpReLU: a learned threshold for each feature (Rajamanoharan et al. 2024)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

from assay.dictionaries.gradients import ActivationGradients
from assay.dictionaries.kernels import feature_sums
from assay.dictionaries.selected_entries import Entries
from assay.dictionaries.selection import largest_of_batch
from assay.dictionaries.selector import Selector
from assay.dictionaries.threshold import ThresholdDictionary
from assay.dictionaries.training_config import TrainingConfig

if TYPE_CHECKING:
    from jaxtyping import Float


class JumpReLU(ThresholdDictionary):
    """z = u · H(u − θ). θ is stored directly: its logarithm is known to freeze under Adam."""

    architecture: ClassVar[str] = "jumprelu"
    every_entry_fires: ClassVar[bool] = False
    threshold: nn.Parameter
    """θ, [width], float32, >= 0."""

    def __init__(self, d_in: int, width: int) -> None:
        super().__init__(d_in, width)
        self.threshold = nn.Parameter(torch.zeros(width))

    @property
    def thresholds(self) -> Float[Tensor, " width"]:
        """θ of each feature."""
        return self.threshold.detach()

    def rescale(self, factor: float) -> None:
        """Make the dictionary act on factor·x as it did on x."""
        super().rescale(factor)
        self.threshold.data.mul_(factor)

    def training_entries(self, selector: Selector, config: TrainingConfig) -> Entries:
        """Entries that fire or lie in the straight-through window below their threshold."""
        return selector.above(self.thresholds - config.bandwidth / 2)

    def begin(self, u: Float[Tensor, "rows width"], config: TrainingConfig) -> None:
        """θ starts where k features fire on a row of the first batch."""
        entries = largest_of_batch(u, config.k * len(u))
        if len(entries):
            self.threshold.data.fill_(float(entries.values.min()))

    def after_step(self, entries: Entries, step: int) -> None:
        """Also keeps θ >= 0."""
        super().after_step(entries, step)
        self.threshold.data.clamp_(min=0)

    def codes_of(self, entries: Entries) -> Float[Tensor, " nnz"]:
        """u where it exceeds θ, else 0."""
        return torch.where(entries.values > self.thresholds[entries.features], entries.values, 0.0)

    def activation_gradients(
        self, entries: Entries, z: Tensor, dz: Tensor, *, rows: int, config: TrainingConfig
    ) -> ActivationGradients:
        """Straight-through gradients of θ by a rectangular kernel of width ε.

        ∂z/∂θ = −(θ/ε) K((u − θ)/ε) and ∂H/∂θ = −(1/ε) K((u − θ)/ε); the penalty is
        λ (L0/k − 1)², with L0 the mean number of features that fire on a row.
        """
        theta = self.thresholds[entries.features]
        fires = z > 0
        near = (entries.values - theta).abs() < config.bandwidth / 2
        excess = float(fires.sum()) / rows / config.k - 1
        firing_slope = 2 * config.l0_coefficient * excess / config.k / rows
        slopes = (theta * dz + firing_slope) * near / -config.bandwidth
        return ActivationGradients(
            pre_activations=dz * fires,
            parameters={"threshold": feature_sums(entries.features, slopes, self.width)},
            penalty=config.l0_coefficient * excess**2,
        )
