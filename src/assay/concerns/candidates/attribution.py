"""Attribution of the payload to dictionary features: gradient × activation of its log-odds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from assay.models import edit
from assay.models.forward import decoder_inputs

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import NDArray
    from torch import Tensor

    from assay.concerns.conversations.excerpts import Excerpt
    from assay.dictionaries import Dictionary
    from assay.models import LanguageModel, Site


def attribute(
    model: LanguageModel,
    site: Site,
    dictionary: Dictionary,
    positives: Sequence[tuple[Excerpt, Sequence[int]]],
) -> Float[NDArray, " features"]:
    """Attribution of each feature a: mean over conversations of Σ_t z_a(t) ⟨d_a, ∂ log-odds / ∂x_t⟩.

    The sum is over the tokens of the last turn, and the unit is nats. ``positives`` are excerpts cut
    before the payload, each with the payload's token ids; the log-odds are those of the payload's
    first token. Attribution is a first-order estimate of the effect of ablating the feature (Nanda
    2023, "Attribution patching"); check it with an ablation.
    """
    total = np.zeros(dictionary.width)
    for excerpt, payload in positives:
        activations, gradient = _gradient(model, site, excerpt, payload[0])
        codes = dictionary.encode(activations)
        directions = dictionary.W_dec.detach()[codes.features]
        parts = codes.values * (directions * gradient[codes.rows]).sum(dim=1)
        np.add.at(total, codes.features.numpy(), parts.double().numpy())
    return total / max(1, len(positives))


def _gradient(
    model: LanguageModel, site: Site, excerpt: Excerpt, target: int
) -> tuple[Float[Tensor, "tokens d_model"], Float[Tensor, "tokens d_model"]]:
    """Activations of the last turn, and the gradient there of the target token's log-odds."""
    leaves: list[Tensor] = []

    def leaf(activations: Tensor) -> Tensor:
        leaves.append(activations.detach().requires_grad_())
        return leaves[-1]

    inputs = decoder_inputs(model, torch.tensor([excerpt.tokens]))
    with torch.enable_grad(), edit(model, site, leaf):
        hidden = model.decoder(**inputs).last_hidden_state[:, -1]
        logits = model.unembedding(hidden)[0].float()
        others = torch.cat([logits[:target], logits[target + 1 :]])
        odds = logits[target] - others.logsumexp(dim=0)
        (gradient,) = torch.autograd.grad(odds, leaves[0])
    watched = slice(excerpt.start, None)
    return leaves[0].detach()[0, watched].float(), gradient[0, watched].float()
