"""What every dictionary is, whatever its architecture."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import nn

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor

    from assay.dictionaries.codes import SparseCodes


class Dictionary(nn.Module):
    """A sparse dictionary: activations x in R^d, codes z >= 0 in R^m, decoder rows d_a in R^d.

    Subclasses are the architectures, one file each, registered by name in ``architectures.py``.
    """

    architecture: ClassVar[str]
    """The name under which the architecture is registered."""

    W_enc: nn.Parameter
    """Encoder, [width, d_in]: one contiguous row per feature."""
    b_enc: nn.Parameter
    """Encoder bias, [width]."""
    W_dec: nn.Parameter
    """Decoder directions, [width, d_in]: one row per feature."""
    b_dec: nn.Parameter
    """Decoder bias, [d_in], subtracted from the input and added to the output."""

    @property
    def d_in(self) -> int:
        """Width of the activations, d."""
        return self.W_dec.shape[1]

    @property
    def width(self) -> int:
        """Number of features, m."""
        return self.W_dec.shape[0]

    @abstractmethod
    def encode(self, x: Float[Tensor, "rows d_in"]) -> SparseCodes:
        """Codes of each row, as at inference (threshold inference where the family has it)."""

    @abstractmethod
    def encode_features(
        self, x: Float[Tensor, "rows d_in"], features: Int[Tensor, " watched"]
    ) -> Float[Tensor, "rows watched"]:
        """Activations of a few features alone, without the rest of the dictionary."""

    @abstractmethod
    def decode(self, codes: SparseCodes) -> Float[Tensor, "rows d_in"]:
        """Reconstruction from codes."""

    def forward(self, x: Float[Tensor, "rows d_in"]) -> Float[Tensor, "rows d_in"]:
        """decode(encode(x))."""
        with torch.no_grad():
            return self.decode(self.encode(x))
