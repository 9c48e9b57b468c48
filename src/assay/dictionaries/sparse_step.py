"""Loss and gradients of a training step by hand, from sparse codes alone, without autograd.

With x̂ − x = Σ_a z_a d_a − (x − b_dec), summed over nested prefixes where there are any:

- ∂L/∂z is the dot product of the error with the decoder row, at the selected entries alone;
- ∂L/∂W_dec and ∂L/∂W_enc are sums, over the entries of each feature, of errors and of inputs;
- ∂L/∂b_dec is the error's sum minus W_encᵀ · ∂L/∂b_enc.

Cost is of order nnz·d beside the encoder's one dense product.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from assay.dictionaries.auxiliary import auxiliary_gradients
from assay.dictionaries.codes import row_offsets
from assay.dictionaries.dictionary import Dictionary
from assay.dictionaries.gradients import StepGradients
from assay.dictionaries.kernels import bag_sums, feature_dots, feature_sums, order_by_feature
from assay.dictionaries.selected_entries import Entries
from assay.dictionaries.training_config import TrainingConfig

if TYPE_CHECKING:
    from jaxtyping import Float, Int


def step_gradients(
    dictionary: Dictionary,
    centred: Float[Tensor, "rows d_in"],
    entries: Entries,
    *,
    config: TrainingConfig,
    dead: Int[Tensor, " dead"],
) -> StepGradients:
    """Loss and gradients for the selected entries.

    ``centred`` is x − b_dec; ``dead`` are the features that the auxiliary loss is to revive.
    The loss is the mean over rows (and prefixes) of ‖x − x̂‖², plus the architecture's penalty,
    plus the auxiliary loss (Gao et al. 2024, appendix A.2).
    """
    rows, width = len(centred), dictionary.width
    encoder, decoder = dictionary.W_enc.detach(), dictionary.W_dec.detach()
    entries, bags = _in_bags(entries, dictionary.prefixes)
    levels = len(dictionary.prefixes)
    offsets = row_offsets(bags, rows * levels)[:-1]
    z = dictionary.codes_of(entries)

    errors = _errors(bag_sums(decoder, entries.features, z, offsets), centred, levels)
    residual = errors[:, -1]
    squared = float(torch.linalg.vector_norm(errors)) ** 2
    scale = 2.0 / (rows * levels)
    # A feature of prefix p takes part in every reconstruction from p on.
    upstream = _sums_from_each_level_on(errors)
    per_bag = upstream.reshape(rows * levels, -1)

    # From here on in feature order.
    order = order_by_feature(entries.features, width)
    entries, bags = entries.take(order.order), bags.index_select(0, order.order)
    z = z.index_select(0, order.order)
    dz = feature_dots(per_bag, decoder, bags, order.offsets).mul_(scale)
    activation = dictionary.activation_gradients(entries, z, dz, rows=rows, config=config)
    du = activation.pre_activations
    gradients = {
        "W_dec": bag_sums(per_bag, bags, z * scale, order.offsets[:-1]),
        "W_enc": bag_sums(centred, entries.rows, du, order.offsets[:-1]),
        "b_enc": feature_sums(entries.features, du, width),
        "b_dec": upstream[:, 0].sum(0).mul_(scale),
    }
    radial = feature_sums(entries.features, z * dz, width)
    for name, gradient in activation.parameters.items():
        gradients[name] = gradients[name].add_(gradient) if name in gradients else gradient

    auxiliary = 0.0
    if len(dead) and config.auxiliary_coefficient > 0:
        revival = auxiliary_gradients(dictionary, centred, residual, dead=dead, config=config)
        auxiliary = revival.loss
        gradients["W_dec"].index_add_(0, dead, revival.decoder)
        gradients["W_enc"].index_add_(0, dead, revival.encoder)
        gradients["b_enc"].index_add_(0, dead, revival.bias)
        radial.index_add_(0, dead, revival.radial)
    gradients["b_dec"].sub_(encoder.T.mv(gradients["b_enc"]))

    fired = order.counts > 0 if dictionary.every_entry_fires else _fired(entries, z, width)
    final = squared if levels == 1 else float(torch.linalg.vector_norm(residual)) ** 2
    return StepGradients(
        parameters=gradients,
        loss=squared / (rows * levels) + activation.penalty + auxiliary,
        squared_error=final,
        auxiliary=auxiliary,
        fired=fired,
        decoder_radial=radial,
    )


def _in_bags(entries: Entries, prefixes: tuple[int, ...]) -> tuple[Entries, Tensor]:
    """The entries sorted by (row, prefix block), and that bag's index for each."""
    if len(prefixes) == 1:
        return entries, entries.rows
    ends = torch.tensor(prefixes, dtype=entries.features.dtype, device=entries.features.device)
    block = torch.bucketize(entries.features, ends, right=True)
    bags, order = torch.sort(entries.rows * len(prefixes) + block, stable=True)
    return entries.take(order), bags


def _errors(sums: Tensor, centred: Tensor, levels: int) -> Float[Tensor, "rows levels d_in"]:
    """x̂ − x of each nested prefix, from the sums of its blocks."""
    errors = sums.view(len(centred), levels, -1)
    if levels > 1:
        errors = errors.cumsum(1)
    return errors.sub_(centred.unsqueeze(1))


def _sums_from_each_level_on(errors: Tensor) -> Tensor:
    return errors if errors.shape[1] == 1 else errors.flip(1).cumsum(1).flip(1).contiguous()


def _fired(entries: Entries, z: Tensor, width: int) -> Tensor:
    return torch.bincount(entries.features[z > 0], minlength=width) > 0
