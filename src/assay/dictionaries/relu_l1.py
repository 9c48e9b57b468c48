"""ReLU with an L1 penalty weighted by decoder norms (Templeton et al. 2024), the older baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from assay.dictionaries.gradients import ActivationGradients
from assay.dictionaries.kernels import feature_sums
from assay.dictionaries.selected_entries import Entries
from assay.dictionaries.selector import Selector
from assay.dictionaries.threshold import ThresholdDictionary
from assay.dictionaries.training_config import TrainingConfig

if TYPE_CHECKING:
    from jaxtyping import Float


class ReluL1(ThresholdDictionary):
    """z = ReLU(u), penalised by λ Σ_a z_a ‖d_a‖, so that decoder rows need no fixed norm."""

    architecture: ClassVar[str] = "relu_l1"
    saelens_architecture: ClassVar[str] = "standard"
    unit_decoder: ClassVar[bool] = False

    @property
    def thresholds(self) -> Float[Tensor, " width"]:
        """0 for every feature."""
        return torch.zeros((), device=self.b_enc.device).expand(self.width)

    def training_entries(self, selector: Selector, config: TrainingConfig) -> Entries:
        """All positive entries."""
        return selector.above(torch.zeros_like(self.b_enc))

    def activation_gradients(
        self, entries: Entries, z: Tensor, dz: Tensor, *, rows: int, config: TrainingConfig
    ) -> ActivationGradients:
        """Adds the penalty's gradient to the codes and to the decoder."""
        decoder = self.W_dec.detach()
        norms = torch.linalg.vector_norm(decoder, dim=1)
        weight = config.l1_coefficient / rows
        mass = feature_sums(entries.features, z, self.width)
        directions = decoder / norms.clamp(min=torch.finfo(norms.dtype).tiny).unsqueeze(1)
        return ActivationGradients(
            pre_activations=dz + weight * norms[entries.features],
            parameters={"W_dec": directions.mul_((weight * mass).unsqueeze(1))},
            penalty=weight * float(mass @ norms),
        )
