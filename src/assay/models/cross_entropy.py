"""How well a model predicts each next token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from assay.errors import AssayError
from assay.models.forward import decoder_inputs, run_decoder

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor

    from assay.models.language_model import LanguageModel
    from assay.models.prefixes import Prefix

LOGITS_AT_ONCE = 1 << 25
"""Most logits held at a time: 128 MB in float32."""


def token_cross_entropy(
    model: LanguageModel,
    tokens: Int[Tensor, "batch position"],
    *,
    attention_mask: Int[Tensor, "batch position"] | None = None,
    position_ids: Int[Tensor, "batch position"] | None = None,
    prefix: Prefix | None = None,
) -> Float[Tensor, "batch position-1"]:
    """Cross-entropy in nats, float32, of each token after the first, given those before it.

    With a prefix the tokens continue from it; their own first token is still not scored. Where
    the mask leaves out a token or the one before it, the value means nothing. Memory stays
    bounded: logits are made in slices. Edits that are active act.
    Raises AssayError for tokens that the model does not know, or fewer than two a row.
    """
    inputs = decoder_inputs(model, tokens, attention_mask, position_ids, prefix)
    if tokens.shape[1] < 2:
        raise AssayError("cross-entropy needs at least two tokens a row: the first is not scored")
    hidden = run_decoder(model, inputs)[:, :-1].flatten(0, 1)
    targets = inputs["input_ids"][:, 1:].flatten()
    rows = max(1, LOGITS_AT_ONCE // model.vocabulary_size)
    slices = [
        torch.nn.functional.cross_entropy(next_token_logits(model, some), wanted, reduction="none")
        for some, wanted in zip(hidden.split(rows), targets.split(rows), strict=True)
    ]
    return torch.cat(slices).view(len(tokens), -1)


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
