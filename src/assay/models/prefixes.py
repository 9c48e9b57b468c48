"""A prefix that is run once, and then continued by many contents."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import Cache, DynamicLayer

from assay.errors import AssayError
from assay.models.forward import decoder_inputs, run_decoder
from assay.models.tokenizing import as_tokens

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
    """int64 token ids of the prefix."""
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

    def cache_for(self, model: LanguageModel) -> Cache:
        """A new transformers cache that begins with the prefix, for all rows of a batch.

        It serves one forward pass: it hands each layer the keys and values of the prefix and of the
        new tokens, and stores neither. Raises AssayError for another model.
        """
        if self.model_name != model.name:
            raise AssayError(
                f"the prefix was cached for {self.model_name} and cannot continue in {model.name}; "
                "cache it again with cache_prefix"
            )
        pairs = zip(self.keys, self.values, strict=True)
        return Cache(layers=[PrefixLayer(keys, values) for keys, values in pairs])


class PrefixLayer(DynamicLayer):
    """One layer's prefix; ``update`` joins it to the new tokens without storing them."""

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        super().__init__()
        self.lazy_initialization(keys, values)
        self.keys = keys
        self.values = values

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Keys and values of prefix and new tokens, the prefix repeated for every row."""
        rows = (len(key_states), -1, -1, -1)
        keys = torch.cat([self.keys.expand(rows), key_states], dim=-2)
        values = torch.cat([self.values.expand(rows), value_states], dim=-2)
        return keys, values


def cache_prefix(
    model: LanguageModel,
    tokens: Int[Tensor, "1 length"] | str,
    *,
    position_ids: Int[Tensor, "1 length"] | None = None,
) -> Prefix:
    """Run a prefix once and keep its keys and values for contents that continue from it.

    ``tokens`` is one row of int64 token ids, or a text (see ``tokenize_text``). Edits that are active
    now act on the prefix, and only now. ``position_ids`` count from 0 by default.
    Raises AssayError unless there is exactly one row of tokens that the model knows.
    """
    tokens, _ = as_tokens(model, tokens, None, continues=False)
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


def inputs_after(
    model: LanguageModel,
    prefix: Prefix | None,
    tokens: Int[Tensor, "batch position"],
    attention_mask: Int[Tensor, "batch position"] | None = None,
    *,
    position_ids: Int[Tensor, "batch position"] | None = None,
) -> dict[str, Any]:
    """Arguments for one run of the decoder on tokens that continue a prefix, if there is one.

    Positions count on from the prefix by default. Raises AssayError as ``decoder_inputs`` does, for a
    prefix of another model, and for padding between prefix and tokens where layers have sliding
    windows.
    """
    if prefix is None:
        return decoder_inputs(model, tokens, attention_mask, position_ids)
    inputs = decoder_inputs(
        model, tokens, attention_mask, position_ids, first_position=prefix.next_position
    )
    mask = inputs["attention_mask"]
    if model.has_sliding_windows and bool((mask[:, 1:] > mask[:, :-1]).any()):
        raise AssayError(
            f"{model.name} has sliding windows, in which padding between the prefix and the tokens "
            "counts; pad on the right, or read without a prefix"
        )
    before = mask.new_ones((len(tokens), prefix.length))
    return inputs | {
        "attention_mask": torch.cat([before, mask], dim=1),
        "past_key_values": prefix.cache_for(model),
        "use_cache": True,
    }
