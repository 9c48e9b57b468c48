"""TopK: the k largest pre-activations of each row (Gao et al. 2024)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from assay.dictionaries.codes import SparseCodes
from assay.dictionaries.dictionary import Dictionary
from assay.dictionaries.selection import largest_of_each_row
from assay.errors import AssayError

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor

    from assay.dictionaries.config import TrainingConfig
    from assay.dictionaries.entries import Entries
    from assay.dictionaries.selector import Selector


class TopK(Dictionary):
    """z = ReLU(TopK_k(u)): a feature fires where it is positive and among its row's k largest."""

    architecture: ClassVar[str] = "topk"

    def __init__(self, d_in: int, width: int, k: int) -> None:
        super().__init__(d_in, width)
        self.k = k_within(k, width)

    @property
    def options(self) -> dict[str, Any]:
        """``k``."""
        return {"k": self.k}

    def select(self, u: Float[Tensor, "rows width"]) -> SparseCodes:
        """The positive ones among each row's k largest."""
        entries = largest_of_each_row(u, self.k)
        return SparseCodes.from_rows(
            entries.rows, entries.features.long(), entries.values, len(u), self.width
        )

    def encode_features(
        self, x: Float[Tensor, "rows d_in"], features: Int[Tensor, " watched"]
    ) -> Float[Tensor, "rows watched"]:
        """Refused: whether a TopK feature fires depends on all the others.

        Raises AssayError. ``pre_activations`` and its ReLU can be watched instead.
        """
        raise AssayError(
            "features of a topk dictionary depend on their rivals and cannot be computed alone; "
            "watch relu_pre_activations(x, features) instead, calibrated as such, or train "
            "batch_topk, jumprelu or matryoshka"
        )

    def relu_pre_activations(
        self, x: Float[Tensor, "rows d_in"], features: Int[Tensor, " watched"]
    ) -> Float[Tensor, "rows watched"]:
        """ReLU(u) of a few features alone: an upper bound of their codes, equal where they fire."""
        return self.pre_activations(x, features).relu_()

    def training_entries(self, selector: Selector, config: TrainingConfig) -> Entries:
        """The entries that a training step keeps."""
        return selector.largest_of_each_row(self.k)


def k_within(k: int, width: int) -> int:
    """k itself. Raises AssayError unless 1 <= k <= width."""
    if not 1 <= k <= width:
        raise AssayError(f"k = {k} does not fit a dictionary of {width} features; 1 to {width}")
    return int(k)
