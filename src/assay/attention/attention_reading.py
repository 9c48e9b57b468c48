"""Read what a layer's attention works on: its input, queries, keys and values, on whole crops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from assay.attention.layer_attention import AttentionLayer
from assay.errors import AssayError
from assay.models import LanguageModel, Site, capture
from assay.models.streams import Stream, attach
from assay.progress import progress

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor

CROPS_AT_ONCE = 16
"""Crops of a forward pass."""


@dataclass(frozen=True, eq=False)
class AttentionSample:
    """The attention of one layer on some crops, each of one document; float32 on the CPU."""

    x: Float[Tensor, "crop position d_model"]
    """Input of the attention: the residual stream after its norm."""
    q: Float[Tensor, "crop position all_query_heads"]
    """Queries before rotation, the heads side by side."""
    k: Float[Tensor, "crop position all_key_heads"]
    """Keys before rotation."""
    v: Float[Tensor, "crop position all_key_heads"]
    """Values."""

    def __len__(self) -> int:
        return len(self.x)

    def rows(self, index: Sequence[int] | Int[Tensor, " rows"] | slice) -> AttentionSample:
        """Some of the crops."""
        return AttentionSample(self.x[index], self.q[index], self.k[index], self.v[index])


def read_attention(
    model: LanguageModel, attention: AttentionLayer, tokens: Int[Tensor, "crop position"], what: str
) -> AttentionSample:
    """Read crops of one length. ``what`` names the progress bar.

    Raises AssayError where an activation is not finite, and for crops longer than the layer's window.
    """
    if attention.window is not None and tokens.shape[1] > attention.window:
        raise AssayError(
            f"a query of layer {attention.layer} sees {attention.window} keys, and crops have "
            f"{tokens.shape[1]} tokens; use crops of at most {attention.window}"
        )
    names = [f"{kind}.{attention.layer}" for kind in ("q", "k", "v")]
    sites = [Site.parse(name) for name in names]
    parts: list[tuple[Tensor, ...]] = []
    with progress(what, len(tokens), "crops") as advance:
        for some in tokens.split(CROPS_AT_ONCE):
            inputs: list[Tensor] = []

            def keep(x: Tensor, kept: list[Tensor] = inputs) -> None:
                kept.append(x)

            handle = attach(Stream(attention.module, True, None, None), keep)
            try:
                found = capture(model, some, sites)
            finally:
                handle.remove()
            read = (inputs[0], *(found[site] for site in sites))
            parts.append(tuple(part.detach().float().cpu() for part in read))
            advance(len(some))
    sample = AttentionSample(*(torch.cat(part) for part in zip(*parts, strict=True)))
    if not all(bool(part.isfinite().all()) for part in (sample.x, sample.q, sample.k, sample.v)):
        raise AssayError(
            f"queries or keys of layer {attention.layer} are NaN or infinite; run the model in float32"
        )
    return sample
