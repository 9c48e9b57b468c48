"""The cells of the crossed design: the same contents, run at one offset behind one prefix."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

import torch

from assay.models.capturing import capture
from assay.models.cross_entropy import token_cross_entropy
from assay.models.language_model import LanguageModel
from assay.models.prefixes import Prefix, cache_prefix
from assay.models.sites import Site
from assay.position.crossed.contents_and_fillers import CrossedTexts

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor


@dataclass(frozen=True)
class Cell:
    """What comes before the contents, and which position ids they get."""

    offset: int
    """Index of the offset on the grid."""
    filler: int = 0
    """Index of the filler; 0 where there is none."""
    _: KW_ONLY
    lead: Int[Tensor, " at_most_one"]
    """The last token before the content, run with it so that the content's first is predicted."""
    prefix: Prefix | None = None
    """All tokens before the content but the last, run once."""
    position_ids: Int[Tensor, " lead_and_content"] | None = None
    """Position ids of lead and content; None counts on from the prefix."""

    def tokens(
        self, contents: Int[Tensor, "batch length"]
    ) -> Int[Tensor, "batch lead_and_content"]:
        """Lead and content of each row."""
        return torch.cat([self.lead.expand(len(contents), -1), contents], dim=1)

    def ids(
        self, contents: Int[Tensor, "batch length"]
    ) -> Int[Tensor, "batch lead_and_content"] | None:
        """Position ids of each row, or None."""
        return None if self.position_ids is None else self.position_ids.expand(len(contents), -1)


def run_cell(
    model: LanguageModel, cell: Cell, contents: Int[Tensor, "batch length"], site: Site
) -> Float[Tensor, "batch length width"]:
    """Activations of the contents' own tokens at a site."""
    tokens, ids = cell.tokens(contents), cell.ids(contents)
    seen = capture(model, tokens, [site], position_ids=ids, prefix=cell.prefix)
    return seen[site][:, len(cell.lead) :]


def score_cell(
    model: LanguageModel, cell: Cell, contents: Int[Tensor, "batch length"]
) -> Float[Tensor, "batch length_or_one_less"]:
    """Cross-entropy in nats of the contents' tokens; without a lead the first is not scored."""
    tokens, ids = cell.tokens(contents), cell.ids(contents)
    return token_cross_entropy(model, tokens, position_ids=ids, prefix=cell.prefix)


def shifted_cells(texts: CrossedTexts, offsets: tuple[int, ...]) -> list[Cell]:
    """The first token at position id 0, the content's ids increased by δ; no text between them."""
    lead, length = _first(texts), texts.contents.shape[1]
    return [
        Cell(number, lead=lead, position_ids=torch.cat([torch.zeros_like(lead), ids]))
        for number, offset in enumerate(offsets)
        for ids in [torch.arange(length) + offset + len(lead)]
    ]


def constant_shift_cells(texts: CrossedTexts, offsets: tuple[int, ...]) -> list[Cell]:
    """All position ids increased by δ, the first token's too."""
    lead = _first(texts)
    length = texts.contents.shape[1] + len(lead)
    return [
        Cell(number, lead=lead, position_ids=torch.arange(length) + offset)
        for number, offset in enumerate(offsets)
    ]


def filler_cells(
    model: LanguageModel, texts: CrossedTexts, fillers: int | None = None
) -> list[Cell]:
    """A cell for every filler of every offset (or the first few of each), its prefix cached."""
    cells = []
    for number, at_this_offset in enumerate(texts.fillers):
        for which, filler in enumerate(at_this_offset[:fillers]):
            before = torch.cat([_first(texts), filler])
            prefix = cache_prefix(model, before[None, :-1]) if len(before) > 1 else None
            cells.append(Cell(number, which, lead=before[-1:], prefix=prefix))
    return cells


def plain_cell(texts: CrossedTexts) -> Cell:
    """The contents directly after the first token."""
    return Cell(0, lead=_first(texts))


def _first(texts: CrossedTexts) -> Int[Tensor, " at_most_one"]:
    first = texts.first_token
    return torch.tensor([] if first is None else [first], dtype=torch.int64)
