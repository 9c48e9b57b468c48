"""Which documents are read for what: training on one side of the split, every figure on the other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from assay.errors import AssayError
from assay.text import Corpus, Crops, Document, random_crops, split_documents

if TYPE_CHECKING:
    from assay.models import LanguageModel

FEWEST_DOCUMENTS = 32
"""Fewer held-out documents than this cannot carry an interval over documents."""


@dataclass(frozen=True)
class SplitText:
    """A corpus and its two sides."""

    corpus: Corpus
    """The whole text."""
    held_out: float
    """Share of the documents on the held-out side."""
    seed: int
    """Seed of the split and of the crops."""

    @cached_property
    def sides(self) -> tuple[list[Document], list[Document]]:
        """(training, held-out) documents."""
        return split_documents(self.corpus.documents, self.held_out, self.seed)

    def training_crops(self, model: LanguageModel, tokens: int, length: int) -> Crops:
        """Crops of training documents, longer documents more often, until ``tokens`` are drawn."""
        return random_crops(
            _tokenizer(model),
            self.sides[0],
            length=length,
            rows=max(1, tokens // length),
            first_token=model.bos_token_id,
            seed=self.seed,
            weight="length",
        )

    def held_out_crops(self, model: LanguageModel, rows: int, length: int) -> Crops:
        """Crops of held-out documents, each document as often as the others.

        Raises AssayError where there are too few documents for an interval.
        """
        documents = self.sides[1]
        if len(documents) < FEWEST_DOCUMENTS:
            raise AssayError(
                f"text '{self.corpus.name}' has {len(documents)} held-out documents; at least "
                f"{FEWEST_DOCUMENTS} are needed for intervals over documents"
            )
        return random_crops(
            _tokenizer(model),
            documents,
            length=length,
            rows=rows,
            first_token=model.bos_token_id,
            seed=self.seed,
        )


def _tokenizer(model: LanguageModel) -> object:
    if model.tokenizer is None:
        raise AssayError(f"model '{model.name}' has no tokenizer beside it; text cannot be read")
    return model.tokenizer
