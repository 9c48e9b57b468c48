"""The auxiliary loss that revives dead features (Gao et al. 2024, appendix A.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from assay.dictionaries.dictionary import Dictionary
from assay.dictionaries.training_config import TrainingConfig

if TYPE_CHECKING:
    from jaxtyping import Float, Int


@dataclass(frozen=True)
class AuxiliaryGradients:
    """Gradients of the auxiliary loss, for the dead features alone."""

    loss: float
    """The loss, with its coefficient."""
    decoder: Float[Tensor, "dead d_in"]
    """∂L/∂W_dec of the dead rows."""
    encoder: Float[Tensor, "dead d_in"]
    """∂L/∂W_enc of the dead rows."""
    bias: Float[Tensor, " dead"]
    """∂L/∂b_enc of the dead features."""
    radial: Float[Tensor, " dead"]
    """⟨∂L/∂d_a, d_a⟩ of the dead rows."""


def auxiliary_gradients(
    dictionary: Dictionary,
    centred: Float[Tensor, "rows d_in"],
    residual: Float[Tensor, "rows d_in"],
    *,
    dead: Int[Tensor, " dead"],
    config: TrainingConfig,
) -> AuxiliaryGradients:
    """Predict x − x̂ with the k_aux largest ReLU'd dead features of each row.

    L = coefficient · min(1, dead / k_aux) · mean over rows of ‖(x − x̂) − Σ z_a d_a‖², where
    x − x̂ (``−residual``) counts as a constant. Dense, but over the dead columns alone.
    """
    encoder, decoder = dictionary.W_enc.detach()[dead], dictionary.W_dec.detach()[dead]
    wanted = config.auxiliary_count(dictionary.d_in)
    share = min(1.0, len(dead) / wanted)
    z = torch.addmm(dictionary.b_enc.detach()[dead], centred, encoder.T).relu_()
    if len(dead) > wanted:
        kept = z.topk(wanted, dim=1, sorted=False)
        z = torch.zeros_like(z).scatter_(1, kept.indices, kept.values)
    error = torch.addmm(residual, z, decoder)
    weight = config.auxiliary_coefficient * share / len(centred)
    loss = weight * float(torch.linalg.vector_norm(error)) ** 2
    error.mul_(2 * weight)
    dz = (error @ decoder.T).mul_(z > 0)
    return AuxiliaryGradients(
        loss=loss,
        decoder=z.T @ error,
        encoder=dz.T @ centred,
        bias=dz.sum(0),
        radial=(z * dz).sum(0),
    )
