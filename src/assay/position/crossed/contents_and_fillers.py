"""The contents that are moved, and the filler texts that move them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from assay.errors import AssayError
from assay.randomness import numpy_generator
from assay.text.crops import Crops

if TYPE_CHECKING:
    from jaxtyping import Int
    from numpy.typing import NDArray
    from torch import Tensor

LARGEST_FILLER_SHARE = 4
"""At most one document in four is kept for fillers."""


@dataclass(frozen=True)
class CrossedTexts:
    """Contents and fillers, without the first token that stands before them."""

    contents: Int[Tensor, "contents length"]
    """int64 tokens of each content; contents of one document are adjacent."""
    documents: NDArray[np.int64]
    """[contents] document of each content."""
    first_token: int | None
    """Constant token at position 0, or None."""
    fillers: tuple[tuple[Int[Tensor, " offset"], ...], ...]
    """For each offset δ, R fillers of δ tokens; empty where the treatment inserts no text."""
    fillers_from_other_documents: bool
    """Whether no document gives both a content and a filler."""


def choose_texts(
    crops: Crops,
    *,
    contents: int,
    content_length: int | None,
    offsets: tuple[int, ...],
    fillers: int,
    seed: int,
) -> CrossedTexts:
    """Choose contents, spread evenly over documents, and ``fillers`` filler texts for each offset.

    A content is the text of a crop without its first token, cut to ``content_length``. Fillers
    (none where ``fillers`` is 0) are cut from the crops of a few documents that give no content,
    as long as there are two documents; a filler longer than a crop joins several. Where there are
    not enough crops, some are used for more than one filler. Raises AssayError where there are too
    few crops to have both.
    """
    generator = numpy_generator(seed, "position/crossed texts")
    text = crops.tokens[:, 1:] if crops.first_token is not None else crops.tokens
    documents = np.asarray(crops.documents)
    rows = generator.permutation(len(documents))
    filler_rows = np.zeros(0, dtype=np.int64)
    apart = True
    if fillers:
        needed = fillers * sum(-(-offset // text.shape[1]) for offset in offsets)
        filler_rows, apart = _rows_for_fillers(documents, rows, needed, generator)
        rows = rows[~np.isin(rows, filler_rows)]
    if len(rows) < 2 or (fillers and len(filler_rows) == 0):
        raise AssayError(
            f"{len(documents)} crops are too few for contents and fillers; at least 4 are needed"
        )
    chosen = rows[np.argsort(_rank_within_document(documents[rows]), kind="stable")][:contents]
    chosen = chosen[np.argsort(documents[chosen], kind="stable")]
    return CrossedTexts(
        contents=text[torch.from_numpy(chosen)][:, :content_length],
        documents=documents[chosen],
        first_token=crops.first_token,
        fillers=_cut_fillers(text[torch.from_numpy(filler_rows)], offsets, fillers),
        fillers_from_other_documents=apart,
    )


def _rows_for_fillers(
    documents: NDArray, rows: NDArray, needed: int, generator: np.random.Generator
) -> tuple[NDArray, bool]:
    """(rows for fillers, whether they are whole documents): as many documents as are needed."""
    distinct = generator.permutation(np.unique(documents))
    if len(distinct) < 2:
        return rows[: min(needed, len(rows) // 2)], False
    sizes = np.array([(documents == document).sum() for document in distinct])
    enough = int(np.searchsorted(np.cumsum(sizes), needed)) + 1
    taken = distinct[: max(1, min(enough, len(distinct) // LARGEST_FILLER_SHARE))]
    return rows[np.isin(documents[rows], taken)], True


def _rank_within_document(documents: NDArray) -> NDArray[np.int64]:
    """0 for the first row of each document, 1 for the second, and so on."""
    seen: dict[int, int] = {}
    ranks = []
    for document in documents.tolist():
        ranks.append(seen.get(document, 0))
        seen[document] = ranks[-1] + 1
    return np.asarray(ranks, dtype=np.int64)


def _cut_fillers(
    pieces: Int[Tensor, "rows length"], offsets: tuple[int, ...], fillers: int
) -> tuple[tuple[Tensor, ...], ...]:
    """Deal the pieces out in turn; a filler of δ tokens joins as many as it takes."""
    if not fillers:
        return ()
    next_piece, cut = 0, []
    for offset in offsets:
        at_this_offset = []
        for _ in range(fillers):
            count = -(-offset // pieces.shape[1])
            which = torch.arange(next_piece, next_piece + count) % len(pieces)
            at_this_offset.append(pieces[which].flatten()[:offset])
            next_piece += count
        cut.append(tuple(at_this_offset))
    return tuple(cut)
