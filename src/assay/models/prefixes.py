"""A prefix that is run once, and then continued by many contents."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assay.errors import AssayError
from assay.models.forward import decoder_inputs, run_decoder

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor

    from assay.models.language_model import LanguageModel


@dataclass(frozen=True, eq=False)
class Prefix:
    """The keys and values that a prefix leaves in every layer. Using it never changes it."""

    model_name: str
    """Name of the model that ran it."""
    tokens: Int[Tensor, "1 length"] = field(repr=False)
    """The prefix itself."""
    keys: tuple[Float[Tensor, "1 kv_heads length head_dim"], ...] = field(repr=False)
    """Keys of each layer, after rotation."""
    values: tuple[Float[Tensor, "1 kv_heads length head_dim"], ...] = field(repr=False)
    """Values of each layer."""
    next_position: int
    """Position id of the first token after the prefix, by default."""

    @property
    def length(self) -> int:
        """Number of tokens."""
        return self.tokens.shape[1]

    def cache_for(self, model: LanguageModel) -> Any:
        """A fresh transformers cache that begins with the prefix, shared by all rows of a batch.

        It hands each layer the prefix and the new tokens together and stores neither: one
        forward pass is all that it is good for. Raises AssayError for another model.
        """
        from assay.models.prefix_layers import prefix_cache

        if self.model_name != model.name:
            raise AssayError(
                f"the prefix was cached for {self.model_name} and cannot continue in {model.name}; "
                "cache it again with cache_prefix"
            )
        return prefix_cache(self.keys, self.values)


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
