"""Random crops of fixed length: one document a row, a constant first token, the start recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from assay.errors import AssayError
from assay.randomness import numpy_generator, seed_for
from assay.text.corpora import Document

if TYPE_CHECKING:
    from jaxtyping import Int
    from numpy.typing import NDArray
    from torch import Tensor


@dataclass(frozen=True)
class Crops:
    """Rows of tokens, each a contiguous piece of one document behind the first token."""

    tokens: Int[Tensor, "rows length"]
    """int64 token ids; column 0 is ``first_token`` where there is one."""
    documents: NDArray[np.int64]
    """[rows] index of each row's document, into ``document_ids``."""
    starts: NDArray[np.int64]
    """[rows] token index in the document at which the crop begins."""
    document_ids: tuple[str, ...]
    """Names of the documents, ``source/id``."""
    first_token: int | None
    """The constant token at position 0, or None where crops begin with their own text."""

    def __len__(self) -> int:
        return len(self.tokens)

    def rows(self, start: int, stop: int) -> Crops:
        """Rows ``start`` up to ``stop``, as crops."""
        part = slice(start, stop)
        return replace(
            self,
            tokens=self.tokens[part],
            documents=self.documents[part],
            starts=self.starts[part],
        )


def split_documents(
    documents: Sequence[Document], held_out: float, seed: int
) -> tuple[list[Document], list[Document]]:
    """(training, held-out) documents; ``held_out`` is the expected share of the latter.

    On which side a document falls depends on its id and the seed alone, so that adding documents
    never moves another one to the other side.
    """
    sides: tuple[list[Document], list[Document]] = ([], [])
    for document in documents:
        draw = seed_for(seed, f"split/{document.source}/{document.id}") / 2**63
        sides[draw < held_out].append(document)
    return sides


def random_crops(
    tokenizer: Any,
    documents: Sequence[Document],
    *,
    length: int,
    rows: int,
    first_token: int | None,
    seed: int,
    weight: str = "document",
) -> Crops:
    """Draw random crops, equally many from each source, each starting anywhere in its document.

    ``length`` counts the tokens of a crop, ``first_token`` included. ``weight="document"`` deals rows
    out evenly over documents (for audits: one crop a document as long as there are enough);
    ``"length"`` draws documents in proportion to their characters (for training mixes). Documents
    shorter than a crop are left out.
    Raises AssayError where a source has no document long enough.
    """
    content = length - (first_token is not None)
    generator = numpy_generator(seed, f"crops/{weight}")
    sources = sorted({document.source for document in documents})
    pieces: list[NDArray] = []
    chosen: list[int] = []
    starts: list[int] = []
    for number, source in enumerate(sources):
        share = rows // len(sources) + (number < rows % len(sources))
        indices = [i for i, document in enumerate(documents) if document.source == source]
        texts = [documents[i].text for i in indices]
        drawn = _draw_documents(
            tokenizer,
            texts,
            count=share,
            content=content,
            weight=weight,
            generator=generator,
            source=source,
        )
        for j, ids in drawn:
            start = int(generator.integers(0, len(ids) - content + 1))
            pieces.append(ids[start : start + content])
            chosen.append(indices[j])
            starts.append(start)
    order = generator.permutation(rows)
    body = np.stack(pieces)[order].astype(np.int64)
    if first_token is not None:
        body = np.concatenate([np.full((rows, 1), first_token, dtype=np.int64), body], axis=1)
    return Crops(
        tokens=torch.from_numpy(body),
        documents=np.asarray(chosen, dtype=np.int64)[order],
        starts=np.asarray(starts, dtype=np.int64)[order],
        document_ids=tuple(f"{document.source}/{document.id}" for document in documents),
        first_token=first_token,
    )


def tokenize_documents(tokenizer: Any, texts: Sequence[str]) -> list[NDArray]:
    """Token ids of each text, without special tokens: int32 arrays [tokens]."""
    if not texts:  # transformers' tokenizers fail on an empty list
        return []
    encoded = tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
    return [np.asarray(ids, dtype=np.int32) for ids in encoded]


def _draw_documents(
    tokenizer: Any,
    texts: list[str],
    *,
    count: int,
    content: int,
    weight: str,
    generator: np.random.Generator,
    source: str,
) -> list[tuple[int, NDArray]]:
    """``count`` documents of at least ``content`` tokens; only those drawn are tokenized."""
    sizes = np.array([len(text) for text in texts], dtype=np.float64)
    # Every token covers at least one byte (one character may be several tokens), so shorter texts
    # cannot hold a crop.
    eligible = np.array([len(text.encode()) for text in texts]) >= content
    tokenized: dict[int, NDArray] = {}
    drawn: list[int] = []
    while len(drawn) < count:
        if not eligible.any():
            longest = max((len(ids) for ids in tokenized.values()), default=int(sizes.max()))
            raise AssayError(
                f"text '{source}' is too short: no document has the {content} tokens that a crop "
                f"needs (the longest has {longest}); use longer documents or a smaller length"
            )
        picks = _draw(
            generator, np.flatnonzero(eligible), sizes, count=count - len(drawn), weight=weight
        )
        fresh = sorted(set(picks.tolist()) - set(tokenized))
        tokenized.update(
            zip(fresh, tokenize_documents(tokenizer, [texts[j] for j in fresh]), strict=True)
        )
        eligible[[j for j in fresh if len(tokenized[j]) < content]] = False
        drawn.extend(int(j) for j in picks if eligible[j])
    return [(j, tokenized[j]) for j in drawn]


def _draw(
    generator: np.random.Generator,
    eligible: NDArray,
    sizes: NDArray,
    *,
    count: int,
    weight: str,
) -> NDArray:
    """Indices of ``count`` documents: in proportion to their sizes, or dealt out evenly."""
    if weight == "length":
        weights = sizes[eligible] / sizes[eligible].sum()
        return generator.choice(eligible, size=count, p=weights)
    rounds = -(-count // len(eligible))
    return np.concatenate([generator.permutation(eligible) for _ in range(rounds)])[:count]
