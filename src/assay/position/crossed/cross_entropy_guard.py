"""Check by cross-entropy that the model still reads the content as before at each offset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from assay.models.language_model import LanguageModel
from assay.position.crossed.contents_and_fillers import CrossedTexts
from assay.position.crossed.design_cells import Cell, plain_cell, score_cell

if TYPE_CHECKING:
    from jaxtyping import Int
    from numpy.typing import NDArray
    from torch import Tensor

FIRST_TOKENS = 8
"""The first 8 content tokens are checked separately and never scored: the text before a content
affects them most, and a change among them hides in the mean over all tokens."""
LARGEST_CHANGE = 0.05
"""Nats by which the cross-entropy of the other tokens may change before an offset is left out."""


@dataclass(frozen=True)
class OffsetCheck:
    """Change in cross-entropy, in nats, against the same contents unmoved."""

    offset: int
    """δ."""
    first_8: float
    """Mean change over content tokens 1–8."""
    rest: float
    """Mean change over the others, which are the ones scored."""
    rest_against_others: float
    """``rest`` less its mean over the design's offsets; ``rest`` itself where ids are shifted."""
    uncertainty: float
    """Half-width of the 95 % interval of ``rest_against_others`` over the fillers compared; 0
    where ids are shifted, because nothing is drawn there."""
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

    Shifted position ids must change nothing: an offset is left out when the cross-entropy of the
    scored tokens changes by more than LARGEST_CHANGE. Text before a content always changes it,
    because the text is context. So with fillers an offset is compared with the design's other
    offsets, and left out when its cross-entropy is higher than theirs by more than LARGEST_CHANGE
    and by more than the choice of fillers explains. With fillers δ = 0 is reported too, and never
    used.
    """
    spread = np.linspace(0, len(texts.contents), min(contents, len(texts.contents)), endpoint=False)
    some = texts.contents[spread.astype(np.int64)]
    length = some.shape[1]
    unmoved = _entropy(model, plain_cell(texts), some, batch)
    # Without a token before it, a content's first token cannot be scored.
    scored = unmoved.shape[1]
    split = FIRST_TOKENS - (length - scored)
    changes = []
    for number in range(len(offsets)):
        here = [cell for cell in cells if cell.offset == number]
        moved = [_entropy(model, cell, some, batch)[:, -scored:] for cell in here]
        changes.append(np.stack([(entropy - unmoved).mean(axis=0) for entropy in moved]))
    first = np.stack([change[:, :split].mean(axis=1) for change in changes])
    rest = np.stack([change[:, split:].mean(axis=1) for change in changes])
    inserts = bool(texts.fillers)
    return _verdicts(offsets, first, rest, inserts)


def _verdicts(
    offsets: tuple[int, ...], first: NDArray[np.float64], rest: NDArray[np.float64], inserts: bool
) -> list[OffsetCheck]:
    """From mean changes ``[offsets, fillers]`` of the first tokens and of the others."""
    relative, half = rest.mean(axis=1), np.zeros(len(offsets))
    if inserts:
        relative = relative - relative.mean()
        half = _half_width(rest)
    harm = relative - half if inserts else np.abs(relative)
    unmoved = OffsetCheck(
        offset=0, first_8=0.0, rest=0.0, rest_against_others=0.0, uncertainty=0.0, used=False
    )
    checks = [unmoved] if inserts else []
    for number, offset in enumerate(offsets):
        checks.append(
            OffsetCheck(
                offset=offset,
                first_8=float(first[number].mean()),
                rest=float(rest[number].mean()),
                rest_against_others=float(relative[number]),
                uncertainty=float(half[number]),
                used=bool(harm[number] <= LARGEST_CHANGE),
            )
        )
    return checks


def _half_width(rest: NDArray[np.float64]) -> NDArray[np.float64]:
    """95 % half-width of each offset's mean less the mean of all; fillers are the units.

    Fillers differ from offset to offset, so that their variance is pooled over offsets.
    """
    from scipy.stats import t as student

    count, fillers = rest.shape
    degrees = count * (fillers - 1)
    variance = np.square(rest - rest.mean(axis=1, keepdims=True)).sum() / degrees / fillers
    error = np.sqrt(variance * (count - 1) / count)
    return np.full(count, student.ppf(0.975, degrees) * error)


def _entropy(
    model: LanguageModel, cell: Cell, contents: Int[Tensor, "contents length"], batch: int
) -> NDArray[np.float64]:
    parts = [score_cell(model, cell, part).double().cpu() for part in contents.split(batch)]
    return np.concatenate([part.numpy() for part in parts])
