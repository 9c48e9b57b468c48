"""What a model's output loses where a layer attends by approximated patterns.

One layer's cross-entropy hardly moves even for the mean pattern, so the whole distribution of the next
token is compared with the intact model's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch

from assay.attention.approximations import Approximation
from assay.attention.attention_patterns import log_patterns
from assay.attention.attention_reading import AttentionSample
from assay.attention.document_intervals import interval_over
from assay.attention.layer_attention import AttentionLayer
from assay.attention.qk_result import OutputFigures, View
from assay.models import LanguageModel, edit
from assay.progress import progress

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from numpy.typing import NDArray
    from torch import Tensor

    from assay.text.crops import Crops

COMPARED: tuple[View, ...] = ("mean pattern", "mean squared error", "patterns")
CROPS_AT_ONCE = 4


def measure_output(
    model: LanguageModel,
    attention: AttentionLayer,
    sample: AttentionSample,
    crops: Crops,
    views: Mapping[View, Approximation],
    most: int,
) -> tuple[OutputFigures, ...]:
    """KL(intact ‖ replaced) of the next token, on at most ``most`` crops.

    The replaced outputs are computed from the model's own values in float32; the intact model's are
    replaced by theirs too, so that rounding is the same on both sides.
    """
    some = min(most, len(sample))
    found: dict[View, list[NDArray]] = {view: [] for view in COMPARED}
    with progress("output with replaced patterns", some, "crops") as advance:
        for start in range(0, some, CROPS_AT_ONCE):
            rows = slice(start, min(start + CROPS_AT_ONCE, some))
            part, tokens = sample.rows(rows), crops.tokens[rows]
            intact = _next_tokens(
                model, attention, part, tokens, log_patterns(attention, part.q, part.k)
            )
            for view in COMPARED:
                replaced = _next_tokens(model, attention, part, tokens, views[view](part))
                kl = (intact.exp() * (intact - replaced)).sum(dim=-1)
                found[view].append(kl[:, 1:].double().mean(dim=1).numpy())
            advance(len(part))
    values = {view: np.concatenate(parts) for view, parts in found.items()}
    reference = float(values["mean pattern"].mean())
    documents = np.asarray(crops.documents)[:some]
    return tuple(
        OutputFigures(
            view=view,
            kl=float(values[view].mean()),
            kl_ci=interval_over(values[view], documents),
            recovered=None
            if view == "mean pattern" or not reference
            else 1 - float(values[view].mean()) / reference,
        )
        for view in COMPARED
    )


def _next_tokens(
    model: LanguageModel,
    attention: AttentionLayer,
    sample: AttentionSample,
    tokens: Int[Tensor, "crop position"],
    patterns: Float[Tensor, "crop heads position position"],
) -> Float[Tensor, "crop position vocabulary"]:
    """Log-probabilities of the next token with the layer's heads attending by these log-patterns."""
    values = sample.v.unflatten(-1, (attention.n_kv_heads, -1)).transpose(1, 2)
    values = values.repeat_interleave(attention.n_heads // attention.n_kv_heads, dim=1)
    heads = (patterns.exp() @ values).transpose(1, 2).flatten(2)

    def replace(z: Tensor) -> Tensor:
        return heads.to(z)

    with torch.no_grad(), edit(model, f"z.{attention.layer}", replace):
        logits = model.module(tokens.to(model.device)).logits
    return logits.float().cpu().log_softmax(dim=-1)
