"""Run contents through the cells of a crossed design, and find each feature's causal shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from assay.activations.sink import MASSIVE_RATIO, median_norm
from assay.dictionaries.codes import SparseCodes
from assay.dictionaries.dictionary import Dictionary
from assay.errors import AssayError
from assay.models.language_model import LanguageModel
from assay.models.sites import Site
from assay.position.crossed.contents_and_fillers import CrossedTexts
from assay.position.crossed.cross_entropy_guard import FIRST_TOKENS
from assay.position.crossed.design_cells import Cell, run_cell
from assay.position.crossed.shares import CrossedShares, shares_of
from assay.position.crossed.table_sums import CellEntries, CrossedSums
from assay.position.document_batches import whole_document_batches
from assay.progress import progress
from assay.randomness import numpy_generator
from assay.statistics.jackknife import assign_groups

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int
    from torch import Tensor


@dataclass(frozen=True)
class CrossedRun:
    """A finished run."""

    sums: CrossedSums
    """The dictionary's table; every scored content token is a row of it."""
    beside: CrossedSums | None
    """The table of the random dictionary that saw the same activations, or None."""
    contents: int
    """Contents that entered."""
    dropped: int
    """Contents left out because a token was massive in at least one cell."""

    @property
    def shares(self) -> CrossedShares:
        """Shares of each feature of the dictionary."""
        return shares_of(self.sums)


@dataclass(frozen=True)
class CrossedRunner:
    """Runs crossed designs on one model, dictionary and site."""

    model: LanguageModel
    """The model whose activations are read."""
    dictionary: Dictionary
    """The dictionary whose features are the columns of the table."""
    site: Site
    """Where the dictionary reads."""
    batch: int
    """Contents in a forward pass."""
    jackknife_groups: int
    """Groups of documents behind each interval."""
    seed: int
    """Seed by which documents are dealt into groups."""

    def run(
        self,
        texts: CrossedTexts,
        cells: list[Cell],
        what: str,
        beside: Dictionary | None = None,
    ) -> CrossedRun:
        """Every content in every cell; content tokens from the ninth on are the rows of the table.

        All tokens of a document are in one jackknife group: the document stays the unit of the
        intervals. Contents are run in batches of whole documents, all cells of a batch before the
        next, so that the table is never held in memory. ``what`` names the run for its progress bar;
        ``beside`` is another dictionary that reads the same activations.
        Raises AssayError where contents are too short or no content is left.
        """
        scored = texts.contents.shape[1] - FIRST_TOKENS
        if scored < 1:
            raise AssayError(
                f"contents of {texts.contents.shape[1]} tokens are too short: the first "
                f"{FIRST_TOKENS} are not scored"
            )
        dealing = numpy_generator(self.seed, "position/crossed jackknife groups")
        groups = assign_groups(texts.documents, self.jackknife_groups, dealing)
        dictionaries = [self.dictionary] if beside is None else [self.dictionary, beside]
        sums = [
            CrossedSums(
                int(groups.max()) + 1,
                offsets=max(cell.offset for cell in cells) + 1,
                fillers=max(cell.filler for cell in cells) + 1,
                width=dictionary.width,
            )
            for dictionary in dictionaries
        ]
        kept_contents, median = 0, 0.0
        with progress(what, texts.contents.numel() * len(cells), "tokens") as advance:
            for start, stop in whole_document_batches(texts.documents, self.batch):
                contents = texts.contents[start:stop]
                massive = torch.zeros(len(contents), dtype=torch.bool)
                codes: list[list[SparseCodes]] = [[] for _ in dictionaries]
                for cell in cells:
                    x = self._activations(cell, contents)
                    median = median or median_norm(x)
                    massive |= (x.norm(dim=-1) > MASSIVE_RATIO * median).any(1).cpu()
                    rows_of_cell = x[:, FIRST_TOKENS:].flatten(0, 1)
                    for dictionary, seen in zip(dictionaries, codes, strict=True):
                        seen.append(dictionary.encode(rows_of_cell))
                    advance(contents.numel())
                kept = torch.nonzero(~massive)[:, 0].numpy()
                kept_contents += len(kept)
                if len(kept):
                    names, local = np.unique(texts.documents[start:stop][kept], return_inverse=True)
                    where = {name: row for row, name in enumerate(texts.documents)}
                    of_document = torch.from_numpy(groups[[where[name] for name in names]])
                    rows = torch.from_numpy(np.repeat(local, scored))
                    for table, seen in zip(sums, codes, strict=True):
                        table.add(_entries(seen, cells, ~massive, scored), rows, of_document)
        if kept_contents == 0:
            raise AssayError(
                "every content has a massive token in some cell; none is left to score"
            )
        return CrossedRun(
            sums=sums[0],
            beside=None if beside is None else sums[1],
            contents=kept_contents,
            dropped=len(texts.contents) - kept_contents,
        )

    def _activations(
        self, cell: Cell, contents: Int[Tensor, "contents length"]
    ) -> Float[Tensor, "contents length width"]:
        parts = [
            run_cell(self.model, cell, part, self.site).float()
            for part in contents.split(self.batch)
        ]
        x = torch.cat(parts)
        if not bool(torch.isfinite(x).all()):
            raise AssayError(
                f"activations at {self.site} are NaN or infinite; run the model in float32"
            )
        return x


def _entries(
    codes: list[SparseCodes], cells: list[Cell], kept: Bool[Tensor, " contents"], scored: int
) -> CellEntries:
    """The nonzero cells of the contents that are kept, their rows renumbered without gaps."""
    new_row = torch.cumsum(kept.long(), 0) - 1
    parts = []
    for cell, code in zip(cells, codes, strict=True):
        rows, features, values = code.rows.cpu(), code.features.cpu(), code.values.cpu().double()
        content = rows // scored
        use = kept[content]
        rows = new_row[content] * scored + rows % scored
        parts.append(
            CellEntries(
                rows=rows[use],
                offsets=torch.full_like(rows, cell.offset)[use],
                fillers=torch.full_like(rows, cell.filler)[use],
                features=features[use],
                values=values[use],
            )
        )
    return CellEntries.joined(parts)
