"""Run a prefix once, for many contents to continue from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.errors import AssayError
from assay.models.forward import decoder_inputs, run_decoder
from assay.models.prefixes import Prefix

if TYPE_CHECKING:
    from jaxtyping import Int
    from torch import Tensor

    from assay.models.language_model import LanguageModel


def cache_prefix(
    model: LanguageModel,
    tokens: Int[Tensor, "1 length"],
    *,
    position_ids: Int[Tensor, "1 length"] | None = None,
) -> Prefix:
    """Run a prefix once and keep its keys and values for contents that continue from it.

    Edits that are active now act on the prefix, and only now. ``position_ids`` count from 0 by
    default. Raises AssayError unless there is exactly one row of tokens that the model knows.
    """
    from transformers import DynamicCache

    if tokens.dim() != 2 or len(tokens) != 1:
        raise AssayError(f"a prefix is one row of tokens [1, length], not {tuple(tokens.shape)}")
    inputs = decoder_inputs(model, tokens, position_ids=position_ids)
    # A cache without the model's configuration keeps every position, also in layers with a
    # sliding window: the mask, not the cache, decides what those see.
    cache = DynamicCache()
    run_decoder(model, inputs | {"past_key_values": cache, "use_cache": True})
    last = tokens.shape[1] - 1 if position_ids is None else int(position_ids.max())
    return Prefix(
        model_name=model.name,
        tokens=inputs["input_ids"],
        keys=tuple(layer.keys for layer in cache.layers),
        values=tuple(layer.values for layer in cache.layers),
        next_position=last + 1,
    )
