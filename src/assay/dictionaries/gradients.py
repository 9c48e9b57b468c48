"""The gradients that a hand-written backward pass returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class ActivationGradients:
    """The backward pass of an activation function and of its sparsity penalty."""

    pre_activations: Float[Tensor, " nnz"]
    """∂L/∂u of each entry."""
    parameters: dict[str, Tensor] = field(default_factory=dict)
    """Gradients of the architecture's own parameters, and additions to shared ones, by name."""
    penalty: float = 0.0
    """The sparsity penalty's value."""


@dataclass(frozen=True)
class StepGradients:
    """The gradients of one batch's loss, and the loss."""

    parameters: dict[str, Tensor]
    """∂L/∂parameter by name, each contiguous and of its parameter's shape."""
    loss: float
    """Sum of the reconstruction loss, the penalty and the auxiliary loss."""
    squared_error: float
    """Σ ‖x − x̂‖² over the batch's rows, with the whole dictionary."""
    auxiliary: float
    """The auxiliary loss, with its coefficient."""
    fired: Tensor
    """bool [width]: features that fired on the batch."""
    decoder_radial: Float[Tensor, " width"]
    """⟨∂L/∂d_a, d_a⟩ of each decoder row, as Σ z_a · ∂L/∂z_a."""
