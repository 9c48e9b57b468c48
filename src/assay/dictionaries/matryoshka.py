"""Matryoshka BatchTopK: nested prefixes of the features each reconstruct (Bussmann et al. 2025)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

from assay.dictionaries.batch_topk import BatchTopK
from assay.dictionaries.nested_prefixes import checked_prefixes
from assay.dictionaries.training_config import TrainingConfig


class Matryoshka(BatchTopK):
    """BatchTopK whose loss is the mean, over the prefixes, of each prefix's squared error."""

    architecture: ClassVar[str] = "matryoshka"

    def __init__(
        self, d_in: int, width: int, k: int, prefixes: Sequence[int] | None = None
    ) -> None:
        super().__init__(d_in, width, k)
        self.prefixes = checked_prefixes(prefixes, width)

    @classmethod
    def from_config(cls, d_in: int, config: TrainingConfig) -> Self:
        """A dictionary of zeros with the configured width, k and prefixes."""
        return cls(d_in, config.width, config.k, config.prefixes)

    @property
    def options(self) -> dict[str, Any]:
        """``k`` and ``prefixes``."""
        return {"k": self.k, "prefixes": list(self.prefixes)}
