"""The strongest pairs of each head, with their kernels and the places where their features fire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from assay.attention.feature_pairs import (
    DISTANCES,
    RankedPairs,
    flatness,
    relative_kernels,
    strongest_pairs,
)
from assay.attention.feature_positions import SideFigures
from assay.attention.qk_dictionary import QKDictionary
from assay.attention.qk_result import PairFigures
from assay.text import token_texts

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from assay.attention.qk_source import QKSource
    from assay.text.crops import Crops

SHOWN = 5
"""Pairs of each head that are shown."""
CONTEXTS = 4
"""Places shown of each feature, from different crops."""
BEFORE, AFTER = 6, 3
"""Tokens shown before and after such a place."""
Context = tuple[str, str, str]


def pair_figures(
    source: QKSource, dictionary: QKDictionary, query: SideFigures, key: SideFigures
) -> tuple[tuple[PairFigures, ...], RankedPairs]:
    """(the strongest pairs of each head, the ranking of all)."""
    attention = source.attention
    z, y = query.where_active, key.where_active
    ranked = strongest_pairs(attention, dictionary, (z, y), SHOWN)
    length = source.crops.tokens.shape[1]
    distances = torch.arange(min(DISTANCES, length)).float()
    rows_q = query.decoder.unflatten(1, (attention.n_heads, -1))
    rows_k = key.decoder.unflatten(1, (attention.n_kv_heads, -1))
    tokenizer = source.model.tokenizer
    found = []
    for pair in ranked.pairs:
        key_head = attention.key_head_of[pair.head]
        (kernel,) = relative_kernels(
            attention,
            rows_q[pair.query, pair.head][None],
            rows_k[pair.key, key_head][None],
            distances,
        )
        found.append(
            PairFigures(
                head=pair.head,
                query_feature=pair.query,
                key_feature=pair.key,
                strength=pair.strength,
                kernel=tuple(round(float(value), 6) for value in kernel),
                flat=flatness(kernel),
                query_contexts=contexts_of(query.codes[..., pair.query], source.crops, tokenizer),
                key_contexts=contexts_of(key.codes[..., pair.key], source.crops, tokenizer),
            )
        )
    return tuple(found), ranked


def contexts_of(
    codes: Float[Tensor, "crop position"], crops: Crops, tokenizer: Any
) -> tuple[Context, ...]:
    """The places with the largest codes, at most one of each crop, as text; tokens are decoded
    together, since a character may be made of several."""
    largest, places = codes[:, 1:].max(dim=1)
    found = []
    for crop in largest.argsort(descending=True)[:CONTEXTS].tolist():
        if largest[crop] <= 0:
            break
        place = int(places[crop]) + 1
        first = max(0, place - BEFORE)
        texts = token_texts(tokenizer, crops.tokens[crop, first : place + 1 + AFTER].tolist())
        at = place - first
        # A character of several tokens is shown by the last of them.
        while texts[at] == "" and at + 1 < len(texts):
            at += 1
        found.append(("".join(texts[:at]), texts[at], "".join(texts[at + 1 :])))
    return tuple(found)
