"""A prefix that is run once, and then continued by many contents."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assay.errors import AssayError

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
