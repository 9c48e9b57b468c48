"""How well a model predicts each next token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from assay.errors import AssayError
from assay.models.forward import run_decoder
from assay.models.prefixes import Prefix, inputs_after
from assay.models.tokenizing import as_tokens, is_text

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor

    from assay.models.language_model import LanguageModel

LOGITS_AT_ONCE = 1 << 25
"""Most logits held at a time: 128 MB in float32."""


def token_cross_entropy(
    model: LanguageModel,
    tokens: Int[Tensor, "batch position"] | str | Sequence[str],
    *,
    attention_mask: Int[Tensor, "batch position"] | None = None,
    position_ids: Int[Tensor, "batch position"] | None = None,
    prefix: Prefix | None = None,
) -> Float[Tensor, "batch position-1"]:
    """Cross-entropy in nats, float32, of each token after the first, given those before it.

    ``tokens`` are int64 token ids, or a text or list of texts. Texts are tokenized by the model's
    tokenizer, begin with its beginning-of-sequence token (where it has one; none after a
    ``prefix``), and are padded on the right; the value of a padded position is NaN.
    ``tokenize_text`` gives the tokens.

    With a prefix the tokens continue from it; their own first token is still not scored. Where
    ``attention_mask`` leaves out a token or the one before it, the value means nothing. Logits are
    made in slices, so that memory stays bounded. Active edits act.
    Raises AssayError for tokens that the model does not know, or fewer than two a row.
    """
    ids, mask = as_tokens(model, tokens, attention_mask, continues=prefix is not None)
    inputs = inputs_after(model, prefix, ids, mask, position_ids=position_ids)
    if ids.shape[1] < 2:
        raise AssayError("cross-entropy needs at least two tokens a row: the first is not scored")
    hidden = run_decoder(model, inputs)[:, :-1].flatten(0, 1)
    targets = inputs["input_ids"][:, 1:].flatten()
    rows = max(1, LOGITS_AT_ONCE // model.vocabulary_size)
    slices = [
        torch.nn.functional.cross_entropy(next_token_logits(model, some), wanted, reduction="none")
        for some, wanted in zip(hidden.split(rows), targets.split(rows), strict=True)
    ]
    entropy = torch.cat(slices).view(len(ids), -1)
    if mask is not None and is_text(tokens):
        entropy = entropy.masked_fill(mask[:, 1:].to(entropy.device) == 0, torch.nan)
    return entropy


def next_token_logits(
    model: LanguageModel, hidden: Float[Tensor, "rows d_model"]
) -> Float[Tensor, "rows vocabulary"]:
    """Logits in float32 from the decoder's output, with the family's soft cap where it has one."""
    with torch.no_grad():
        logits: Tensor = model.unembedding(hidden)
    # The cap in the model's dtype, and only then float32: as the family itself computes it.
    cap = getattr(model.module.config, "final_logit_softcapping", None)
    if cap is not None:
        logits = torch.tanh(logits / cap) * cap
    return logits.float()
