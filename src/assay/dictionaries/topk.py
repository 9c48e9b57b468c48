"""TopK: the k largest pre-activations of each row (Gao et al. 2024)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from torch import Tensor

from assay.dictionaries.codes import SparseCodes
from assay.dictionaries.dictionary import Dictionary
from assay.dictionaries.selected_entries import Entries
from assay.dictionaries.selection import largest_of_each_row
from assay.dictionaries.selector import Selector
from assay.dictionaries.training_config import TrainingConfig
from assay.errors import AssayError

if TYPE_CHECKING:
    from jaxtyping import Float, Int


class TopK(Dictionary):
    """z = ReLU(TopK_k(u)): a feature fires where it is positive and among its row's k largest."""

    architecture: ClassVar[str] = "topk"
    saelens_architecture: ClassVar[str] = "topk"

    def __init__(self, d_in: int, width: int, k: int) -> None:
        super().__init__(d_in, width)
        self.k = k_within(k, width)

    @classmethod
    def from_config(cls, d_in: int, config: TrainingConfig) -> Self:
        """A dictionary of zeros with the configured width and k."""
        return cls(d_in, config.width, config.k)

    @property
    def options(self) -> dict[str, Any]:
        """``k``."""
        return {"k": self.k}

    def select(self, u: Float[Tensor, "rows width"]) -> SparseCodes:
        """Codes: the positive entries among each row's k largest."""
        entries = largest_of_each_row(u, self.k)
        return SparseCodes.from_rows(
            entries.rows,
            entries.features.long(),
            entries.values,
            row_count=len(u),
            width=self.width,
        )

    def encode_features(
        self, x: Float[Tensor, "rows d_in"], features: Int[Tensor, " watched"]
    ) -> Float[Tensor, "rows watched"]:
        """Raises AssayError: whether a TopK feature fires depends on all other features.

        ``relu_pre_activations`` can be watched instead.
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
        """The positive entries among each row's k largest."""
        return selector.largest_of_each_row(self.k)


def k_within(k: int, width: int) -> int:
    """k itself. Raises AssayError unless 1 <= k <= width."""
    if not 1 <= k <= width:
        raise AssayError(f"k = {k} does not fit a dictionary of {width} features; 1 to {width}")
    return int(k)
