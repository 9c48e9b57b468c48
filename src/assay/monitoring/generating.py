"""Read the watched features of every token while a model generates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from assay.models.streams import attach, stream_at
from assay.monitoring.result import Scoring
from assay.monitoring.scoring import FeatureReader

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import NDArray
    from torch import Tensor

    from assay.models import LanguageModel, Site


@dataclass
class WatchedGeneration:
    """The features read so far: an entry for each forward pass."""

    steps: list[Tensor] = field(default_factory=list)
    """Activations of the watched features, [rows, new positions, features], float32, on the model's
    device. The rows are those of the batch at that step: padded on the left, and fewer as rows end."""

    def values(self) -> list[Float[NDArray, "rows positions features"]]:
        """The steps as float64 arrays on the CPU."""
        return [np.asarray(step.cpu().numpy(), dtype=np.float64) for step in self.steps]


@contextmanager
def watching_generation(model: LanguageModel, scoring: Scoring) -> Iterator[WatchedGeneration]:
    """Read the watched features at every forward pass of the model inside the ``with`` block.

    With a key-value cache each token is read once; the first step reads the prompt. The model's
    activations do not change, and reading does not wait for the device. Raises AssayError for a
    site that the model lacks and, while running, for activations of another width.
    """
    reader = FeatureReader.of(scoring, model.device)
    watched = WatchedGeneration()

    # The sites of a forward pass are seen in the order of their depth, the deepest last.
    sites = scoring.sites
    seen: dict[Site, Tensor] = {}

    def see(site: Site, activations: Tensor) -> None:
        seen[site] = activations
        if len(seen) == len(sites):
            watched.steps.append(reader.read(torch.cat([seen[each] for each in sites], dim=-1)))
            seen.clear()

    with ExitStack() as hooks:
        for site in sites:
            handle = attach(stream_at(model, site), partial(see, site))
            hooks.callback(handle.remove)
        yield watched
