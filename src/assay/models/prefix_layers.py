"""A transformers cache that begins with a shared prefix. Imports transformers: import it late."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from transformers.cache_utils import Cache, DynamicLayer

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


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


def prefix_cache(
    keys: tuple[Float[Tensor, "1 kv_heads length head_dim"], ...],
    values: tuple[Float[Tensor, "1 kv_heads length head_dim"], ...],
) -> Cache:
    """A cache for one forward pass of new tokens after the prefix."""
    layers = [PrefixLayer(key, value) for key, value in zip(keys, values, strict=True)]
    return Cache(layers=layers)
