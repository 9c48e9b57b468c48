"""Which tokens a direction of the residual stream promotes."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import torch

from assay.errors import AssayError
from assay.models.cross_entropy import LOGITS_AT_ONCE

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from assay.models.language_model import LanguageModel


def promoted_tokens(
    model: LanguageModel, directions: Float[Tensor, "features d_model"], count: int
) -> list[list[tuple[str, float]]]:
    """The ``count`` tokens whose logits one unit of each direction raises most, and by how much.

    The logit lens (nostalgebraist 2020): the final norm's weight is folded into W_U; a layer norm
    also subtracts the mean. The norm's scale, which depends on the token, is left at 1, so the
    scores rank tokens within a direction. Without a tokenizer a token is written as its id.
    Raises AssayError where the directions are not as wide as the residual stream.
    """
    if directions.dim() != 2 or directions.shape[1] != model.d_model:
        raise AssayError(
            f"directions have shape {tuple(directions.shape)}; the logit lens of {model.name} "
            f"needs [features, {model.d_model}]"
        )
    if not 1 <= count <= model.vocabulary_size:
        raise AssayError(f"count is {count}; valid: 1 to {model.vocabulary_size}")
    name = functools.cache(lambda token: token_text(model, token))
    promoted = []
    with torch.no_grad():
        weight: Tensor = model.unembedding.get_parameter("weight").float()
        for some in directions.split(max(1, LOGITS_AT_ONCE // model.vocabulary_size)):
            top = torch.topk(through_final_norm(model, some) @ weight.T, count)
            for scores, ids in zip(top.values.tolist(), top.indices.tolist(), strict=True):
                promoted.append(list(zip(map(name, ids), scores, strict=True)))
    return promoted


def through_final_norm(
    model: LanguageModel, directions: Float[Tensor, "features d_model"]
) -> Float[Tensor, "features d_model"]:
    """The directions after the final norm at scale 1, in float32."""
    norm = model.decoder.get_submodule(model.architecture.final_norm)
    directions = directions.to(model.device, torch.float32)
    if isinstance(norm, torch.nn.LayerNorm):
        directions = directions - directions.mean(dim=1, keepdim=True)
    weight = norm.get_parameter("weight").float() + model.architecture.final_norm_offset
    return directions * weight


def token_text(model: LanguageModel, token: int) -> str:
    """A token as text, or its id where the model has no tokenizer."""
    return str(token) if model.tokenizer is None else str(model.tokenizer.decode([token]))
