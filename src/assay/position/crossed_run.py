"""Run contents through the cells of a crossed design and accumulate the table's sums."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from assay.activations.sink import MASSIVE_RATIO, median_norm
from assay.errors import AssayError
from assay.position.cells import run_cell
from assay.position.crossed_sums import CellEntries, CrossedSums
from assay.position.guard import FIRST_TOKENS
from assay.position.sums import whole_document_batches
from assay.randomness import numpy_generator
from assay.statistics.jackknife import deal_into_groups

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor

    from assay.dictionaries.codes import SparseCodes
    from assay.dictionaries.dictionary import Dictionary
    from assay.models.language_model import LanguageModel
    from assay.models.sites import Site
    from assay.position.cells import Cell
    from assay.position.crossed_texts import CrossedTexts


@dataclass(frozen=True)
class CrossedRun:
    """A finished run."""

    sums: CrossedSums
    """Sums over every scored content token: each token of a content is a row of the table."""
    contents: int
    """Contents that entered."""
    dropped: int
    """Contents left out because a token was massive in at least one cell."""


def run_crossed(
    model: LanguageModel,
    dictionary: Dictionary,
    site: Site,
    texts: CrossedTexts,
    cells: list[Cell],
    *,
    batch: int = 16,
    jackknife_groups: int = 32,
    seed: int = 0,
    advance: Callable[[float], None] = lambda tokens: None,
) -> CrossedRun:
    """Every content in every cell; content tokens from the ninth on are the rows of the table.

    Tokens of one content are dealt together: the document stays the unit of the intervals.
    Contents are run in batches of whole documents, all cells of a batch before the next, so that
    the table is never held. Raises AssayError where contents are too short or no content is left.
    """
    scored = texts.contents.shape[1] - FIRST_TOKENS
    if scored < 1:
        raise AssayError(
            f"contents of {texts.contents.shape[1]} tokens are too short: the first {FIRST_TOKENS} "
            "are not scored"
        )
    dealing = numpy_generator(seed, "position/crossed jackknife groups")
    groups = deal_into_groups(texts.documents, jackknife_groups, dealing)
    offsets = max(cell.offset for cell in cells) + 1
    fillers = max(cell.filler for cell in cells) + 1
    sums = CrossedSums(int(groups.max()) + 1, offsets, fillers, dictionary.width)
    kept_contents, median = 0, 0.0
    for start, stop in whole_document_batches(texts.documents, batch):
        contents = texts.contents[start:stop]
        massive = torch.zeros(len(contents), dtype=torch.bool)
        codes = []
        for cell in cells:
            x = _in_parts(model, cell, contents, site, batch)
            median = median or median_norm(x)
            massive |= (x.norm(dim=-1) > MASSIVE_RATIO * median).any(1).cpu()
            codes.append(dictionary.encode(x[:, FIRST_TOKENS:].flatten(0, 1)))
            advance(contents.numel())
        kept = torch.nonzero(~massive)[:, 0].numpy()
        kept_contents += len(kept)
        if len(kept):
            names, local = np.unique(texts.documents[start:stop][kept], return_inverse=True)
            where = {name: row for row, name in enumerate(texts.documents)}
            of_document = torch.from_numpy(groups[[where[name] for name in names]])
            rows = torch.from_numpy(np.repeat(local, scored))
            sums.add(_entries(codes, cells, ~massive, scored), rows, of_document)
    if kept_contents == 0:
        raise AssayError("every content has a massive token in some cell; none is left to score")
    return CrossedRun(sums, kept_contents, len(texts.contents) - kept_contents)


def _in_parts(
    model: LanguageModel,
    cell: Cell,
    contents: Int[Tensor, "contents length"],
    site: Site,
    batch: int,
) -> Float[Tensor, "contents length width"]:
    parts = [run_cell(model, cell, part, site).float() for part in contents.split(batch)]
    x = torch.cat(parts)
    if not bool(torch.isfinite(x).all()):
        raise AssayError(f"activations at {site} are NaN or infinite; run the model in float32")
    return x


def _entries(codes: list[SparseCodes], cells: list[Cell], kept: Tensor, scored: int) -> CellEntries:
    """The nonzero cells of the contents that are kept, their rows renumbered without gaps."""
    new_row = torch.cumsum(kept.long(), 0) - 1
    parts = []
    for cell, code in zip(cells, codes, strict=True):
        rows, features, values = code.rows.cpu(), code.features.cpu(), code.values.cpu().double()
        content = rows // scored
        use = kept[content]
        rows = new_row[content] * scored + rows % scored
        place = torch.full_like(rows, cell.offset), torch.full_like(rows, cell.filler)
        parts.append([column[use] for column in (rows, *place, features, values)])
    return CellEntries(*(torch.cat(columns) for columns in zip(*parts, strict=True)))
