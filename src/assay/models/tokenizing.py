"""Text given where tokens are expected: tokenized, with a first token, padded on the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeGuard, cast

import torch

from assay.errors import AssayError

if TYPE_CHECKING:
    from jaxtyping import Int
    from torch import Tensor

    from assay.models.language_model import LanguageModel

PADDING = 0
"""Token id at padded positions; the mask hides them, so that any id would do."""


@dataclass(frozen=True, eq=False)
class TextTokens:
    """Texts as one batch of tokens. At positions whose mask is 0 nothing that is read has a meaning."""

    tokens: Int[Tensor, "batch position"]
    """int64 token ids, one row a text, padded on the right to the longest."""
    attention_mask: Int[Tensor, "batch position"]
    """int64: 1 at tokens, 0 at padding."""
    first_token: int | None
    """The token put before every text, or None."""

    @property
    def rows(self) -> list[list[int]]:
        """The token ids of each text, without the padding."""
        lengths = self.attention_mask.sum(1).tolist()
        return [row[:length] for row, length in zip(self.tokens.tolist(), lengths, strict=True)]


def tokenize_text(
    model: LanguageModel, text: str | Sequence[str], *, first_token: bool = True
) -> TextTokens:
    """One text or several as a batch of tokens, by the model's tokenizer and without chat template.

    Every text begins with the tokenizer's beginning-of-sequence token, where it has one, once;
    ``first_token=False`` leaves it out. No other special token is added. Shorter texts are padded
    on the right. Raises AssayError for a model without tokenizer and for a text without any token.
    """
    if model.tokenizer is None:
        raise AssayError(f"{model.name} has no tokenizer to read text with; give it token ids")
    texts = [text] if isinstance(text, str) else list(text)
    start = model.bos_token_id if first_token else None
    before = [] if start is None else [start]
    encoded = model.tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    rows = [[*before, *ids] for ids in encoded]
    for number, row in enumerate(rows):
        if not row:
            raise AssayError(f"text {number} is empty; a text has at least one token")
    length = max(map(len, rows))
    return TextTokens(
        tokens=torch.tensor([[*row, *[PADDING] * (length - len(row))] for row in rows]),
        attention_mask=torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows]),
        first_token=start,
    )


def is_text(value: object) -> TypeGuard[str | Sequence[str]]:
    """Whether a value is a string or a non-empty sequence of strings."""
    if isinstance(value, str):
        return True
    return isinstance(value, Sequence) and bool(value) and all(isinstance(v, str) for v in value)


def token_rows(
    model: LanguageModel, prompts: Sequence[str] | Sequence[Sequence[int]]
) -> Sequence[Sequence[int]]:
    """The token ids of each prompt: as they are, or of texts. Raises AssayError as
    ``tokenize_text`` does."""
    if is_text(prompts):
        return tokenize_text(model, prompts).rows
    return cast("Sequence[Sequence[int]]", prompts)


def as_tokens(
    model: LanguageModel,
    tokens: Tensor | str | Sequence[str],
    attention_mask: Int[Tensor, "batch position"] | None,
    *,
    continues: bool,
) -> tuple[Int[Tensor, "batch position"], Int[Tensor, "batch position"] | None]:
    """(tokens, mask): tokens as they are, text tokenized; ``continues`` text gets no first token.

    Raises AssayError for text with a mask, which text brings itself, and for anything else.
    """
    if is_text(tokens):
        if attention_mask is not None:
            raise AssayError("text is given without an attention_mask; its padding is masked")
        made = tokenize_text(model, tokens, first_token=not continues)
        return made.tokens, made.attention_mask
    if not isinstance(tokens, torch.Tensor):
        raise AssayError(
            f"tokens are a tensor of shape [batch, position], a text or a list of texts, "
            f"not {type(tokens).__name__}"
        )
    return tokens, attention_mask
