"""What is reported beside the labels on rotary models: the noise floor and the sink's distance."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from assay.position.crossed.contents_and_fillers import CrossedTexts
from assay.position.crossed.design_cells import constant_shift_cells, shifted_cells
from assay.position.crossed.shares import CrossedShares
from assay.position.crossed.table_run import CrossedRunner
from assay.position.crossed.treatments import LARGEST_SINK_DISTANCE


@dataclass(frozen=True)
class SinkDistance:
    """What changes when only the distance between the first token and the content does.

    Position ids of the content from 1 + δ, without text between: on rotary models a second
    treatment, never the label.
    """

    offsets: tuple[int, ...]
    """Distances δ, in tokens."""
    shares: CrossedShares
    """Shares of each feature under this treatment."""


def first_contents(texts: CrossedTexts, count: int) -> CrossedTexts:
    """About ``count`` contents, spread evenly over the documents."""
    size = len(texts.contents)
    spread = np.unique(np.linspace(0, size - 1, min(count, size)).astype(np.int64))
    return replace(texts, contents=texts.contents[spread], documents=texts.documents[spread])


def noise_floor(
    runner: CrossedRunner, texts: CrossedTexts, offsets: tuple[int, ...]
) -> float | None:
    """Median S_int when all position ids grow by a constant, or None where all features are rare.

    On a rotary model that changes nothing but rounding.
    """
    shifts = (0, *offsets[-2:])
    shares = runner.run(texts, constant_shift_cells(texts, shifts), "noise floor").shares
    s_int = shares.s_int[shares.frequent]
    s_int = s_int[np.isfinite(s_int)]
    return float(np.median(s_int)) if len(s_int) else None


def distance_to_sink(
    runner: CrossedRunner, texts: CrossedTexts, count: int, context_length: int | None
) -> SinkDistance | None:
    """Shares when only the distance to the first token changes, over ``count`` distances.

    None where contents have no first token, or the model's context has no room.
    """
    room = (context_length or 1 << 62) - texts.contents.shape[1] - 1
    largest = min(LARGEST_SINK_DISTANCE, room)
    distances = tuple(sorted({largest * step // (count - 1) for step in range(count)}))
    if texts.first_token is None or len(distances) < 2:
        return None
    run = runner.run(texts, shifted_cells(texts, distances), "distance to the sink")
    return SinkDistance(distances, run.shares)
