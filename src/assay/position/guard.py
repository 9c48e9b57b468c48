"""Does the model still read the content as before? The cross-entropy at each offset says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from assay.position.cells import plain_cell, score_cell

if TYPE_CHECKING:
    from jaxtyping import Int
    from numpy.typing import NDArray
    from torch import Tensor

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
    """Change in cross-entropy, in nats, against the same contents unmoved."""

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
    *,
    contents: int,
    batch: int,
) -> list[OffsetCheck]:
    """Compare each offset's cells with the contents unmoved, on ``contents`` of the contents.

    Shifted ids must change nothing: an offset is left out when the scored tokens' cross-entropy
    changes by more than LARGEST_CHANGE. Filler text may well help, and what it does on average
    depends on the few fillers compared: there an offset is left out when it does more harm than
    that. With fillers δ = 0 is reported too, and never used.
    """
    spread = np.linspace(0, len(texts.contents), min(contents, len(texts.contents)), endpoint=False)
    some = texts.contents[spread.astype(np.int64)]
    length = some.shape[1]
    unmoved = _entropy(model, plain_cell(texts), some, batch)
    # Without a token before it, a content's first token cannot be scored.
    scored = unmoved.shape[1]
    split = FIRST_TOKENS - (length - scored)
    inserts = bool(texts.fillers)
    checks = [OffsetCheck(0, 0.0, 0.0, False)] if inserts else []
    for number, offset in enumerate(offsets):
        here = [cell for cell in cells if cell.offset == number]
        moved = np.mean([_entropy(model, cell, some, batch)[:, -scored:] for cell in here], axis=0)
        change = (moved - unmoved).mean(axis=0)
        first, rest = float(change[:split].mean()), float(change[split:].mean())
        harm = rest if inserts else abs(rest)
        checks.append(OffsetCheck(offset, first, rest, harm <= LARGEST_CHANGE))
    return checks


def _entropy(
    model: LanguageModel, cell: Cell, contents: Int[Tensor, "contents length"], batch: int
) -> NDArray[np.float64]:
    parts = [score_cell(model, cell, part).double().cpu() for part in contents.split(batch)]
    return np.concatenate([part.numpy() for part in parts])
