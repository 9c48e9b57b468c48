"""BatchTopK: the n·k largest pre-activations of a batch of n rows (Bussmann et al. 2024)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

import torch
from torch import Tensor

from assay.dictionaries.selected_entries import Entries
from assay.dictionaries.selector import Selector
from assay.dictionaries.threshold import ThresholdDictionary
from assay.dictionaries.topk import k_within
from assay.dictionaries.training_config import TrainingConfig

if TYPE_CHECKING:
    from jaxtyping import Float


LONGEST_MEMORY = 1000
"""Steps over which the threshold's running mean is taken, late in a long run."""
MEMORY_SHARE = 0.1
"""The same, early in a run, as a share of the steps so far: early thresholds are soon forgotten."""


class BatchTopK(ThresholdDictionary):
    """Trained with the n·k largest of each batch; at inference one fixed threshold for all."""

    architecture: ClassVar[str] = "batch_topk"
    threshold: Tensor
    """float32 scalar: the running estimate of the smallest value that training kept."""

    def __init__(self, d_in: int, width: int, k: int) -> None:
        super().__init__(d_in, width)
        self.k = k_within(k, width)
        self.register_buffer("threshold", torch.zeros(()))

    @classmethod
    def from_config(cls, d_in: int, config: TrainingConfig) -> Self:
        """A dictionary of zeros with the configured width and k."""
        return cls(d_in, config.width, config.k)

    @property
    def options(self) -> dict[str, Any]:
        """``k``."""
        return {"k": self.k}

    @property
    def thresholds(self) -> Float[Tensor, " width"]:
        """The one threshold, for every feature."""
        return self.threshold.expand(self.width)

    def rescale(self, factor: float) -> None:
        """Make the dictionary act on factor·x as it did on x."""
        super().rescale(factor)
        self.threshold.mul_(factor)

    def training_entries(self, selector: Selector, config: TrainingConfig) -> Entries:
        """The positive entries among the rows·k largest of the batch."""
        return selector.largest_of_batch(self.k)

    def extra_tensors(self) -> dict[str, Tensor]:
        """The threshold, once a feature, as SAELens keeps it."""
        return {"threshold": self.thresholds}

    def load_extra_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """Take the one threshold from any feature's."""
        self.threshold.copy_(tensors["threshold"][0])

    def after_step(self, entries: Entries, step: int) -> None:
        """Also updates the threshold: an exponential mean of the smallest value kept, of decay .999
        late in the run.
        """
        super().after_step(entries, step)
        if len(entries):
            memory = max(1.0, min(LONGEST_MEMORY, MEMORY_SHARE * (step + 1)))
            self.threshold.lerp_(entries.values.min(), 1 / memory)
