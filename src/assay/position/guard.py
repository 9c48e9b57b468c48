"""Does the model still read the content as before? The cross-entropy at each offset says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from assay.position.cells import score_cell

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from assay.models.language_model import LanguageModel
    from assay.position.cells import Cell
    from assay.position.crossed_texts import CrossedTexts

FIRST_TOKENS = 8
"""Content tokens 1–8 are guarded apart, and never scored: what comes before a content tells most
there, and a change among them hides in the mean over all."""
LARGEST_CHANGE = 0.05
"""Nats by which the other tokens' cross-entropy may change before an offset is left out."""


@dataclass(frozen=True)
class OffsetCheck:
    """Change in cross-entropy, in nats, against the design's smallest offset."""

    offset: int
    """δ."""
    first_8: float
    """Mean change over content tokens 1–8."""
    rest: float
    """Mean change over the others, which are the ones scored."""
    used: bool
    """Whether the design keeps the offset."""


def check_offsets(
    model: LanguageModel,
    texts: CrossedTexts,
    offsets: tuple[int, ...],
    cells: list[Cell],
    unmoved: Cell | None,
    *,
    contents: int,
    batch: int,
) -> list[OffsetCheck]:
    """Compare each offset's cells with the smallest offset's, on the first ``contents`` contents.

    ``unmoved`` is a cell without filler, reported for comparison as offset 0 and never used.
    """
    spread = np.linspace(0, len(texts.contents), min(contents, len(texts.contents)), endpoint=False)
    some = texts.contents[spread.astype(np.int64)]

    def entropy(cell: Cell) -> NDArray[np.float64]:
        parts = [score_cell(model, cell, part).double().cpu() for part in some.split(batch)]
        return np.concatenate([part.numpy() for part in parts])

    by_offset = [
        np.mean([entropy(cell) for cell in cells if cell.offset == number], axis=0)
        for number in range(len(offsets))
    ]
    split = FIRST_TOKENS - (texts.contents.shape[1] - by_offset[0].shape[1])

    def check(offset: int, change: NDArray, usable: bool) -> OffsetCheck:
        first, rest = float(change[:, :split].mean()), float(change[:, split:].mean())
        return OffsetCheck(offset, first, rest, usable and abs(rest) <= LARGEST_CHANGE)

    checks = [
        check(offset, values - by_offset[0], True)
        for offset, values in zip(offsets, by_offset, strict=True)
    ]
    if unmoved is not None:
        checks.insert(0, check(0, entropy(unmoved) - by_offset[0], False))
    return checks
