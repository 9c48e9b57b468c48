"""Put the strongest contexts of every feature into words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.dictionaries.decoded_contexts import (
    HIGHLIGHT_LEVELS,
    DecodedContext,
    DecodedContexts,
    FeatureContexts,
)
from assay.dictionaries.dictionary import Dictionary
from assay.dictionaries.top_contexts import TopContexts
from assay.models import LanguageModel, Site, promoted_tokens
from assay.text import Crops, carried_to_text, token_texts
from assay.text.token_text import decoded_alone

PROMOTED = 8
"""Tokens kept of those that a feature's direction promotes."""


def decode_contexts(
    model: LanguageModel,
    site: Site | str,
    dictionary: Dictionary,
    contexts: TopContexts,
    crops: Crops,
) -> DecodedContexts:
    """Contexts and promoted tokens of every feature, as text.

    ``contexts.rows`` number the rows of ``crops``: pass the crops in the order in which their codes
    were collected. Without a tokenizer a token is written as its id. A token at position 0 is never
    highlighted: the attention sink is left out of peaks and may fire far above them.
    """
    site = Site.parse(str(site))
    shown = _Strings()
    tokens = np.asarray(crops.tokens)
    tokenizer = model.tokenizer
    alone = {int(token): decoded_alone(tokenizer, int(token)) for token in np.unique(tokens)}
    features = []
    for feature, promoted in enumerate(_promoted(model, site, dictionary)):
        peak = float(contexts.activations[feature, :, contexts.before].max(initial=0.0))
        decoded = []
        for rank, row in enumerate(contexts.rows[feature]):
            if row < 0:
                continue
            position = int(contexts.positions[feature, rank])
            window = contexts.activations[feature, rank]
            first = position - contexts.before
            places = [p for p in range(first, first + len(window)) if 0 <= p < tokens.shape[1]]
            texts = token_texts(tokenizer, tokens[row, places].tolist(), alone)
            levels = carried_to_text([_level(window[p - first], peak, p) for p in places], texts)
            decoded.append(
                DecodedContext(
                    tokens=tuple(shown.index(text) for text in texts),
                    levels="".join(str(int(level)) for level in levels),
                    position=position,
                    activation=round(float(window[contexts.before]), 3),
                    document=shown.index(crops.document_ids[crops.documents[row]]),
                    start=int(crops.starts[row]),
                )
            )
        tops = tuple((shown.index(text), round(score, 2)) for text, score in promoted)
        features.append(FeatureContexts(contexts=tuple(decoded), promoted=tops))
    return DecodedContexts(strings=tuple(shown.places), features=tuple(features))


class _Strings:
    """Texts in the order in which they were first asked for."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}

    def index(self, text: str) -> int:
        return self.places.setdefault(text, len(self.places))


def _level(activation: NDArray[np.float32], peak: float, position: int) -> int:
    """0 to HIGHLIGHT_LEVELS, relative to the feature's peak; 0 at position 0."""
    if position == 0 or peak <= 0:
        return 0
    return int(np.ceil(HIGHLIGHT_LEVELS * min(float(activation) / peak, 1.0)))


def _promoted(
    model: LanguageModel, site: Site, dictionary: Dictionary
) -> list[list[tuple[str, float]]]:
    """The logit lens of each feature; empty where the site does not write to the residual stream."""
    if dictionary.d_in != model.d_model or site.kind in ("q", "k", "v", "z"):
        return [[] for _ in range(dictionary.width)]
    return promoted_tokens(model, dictionary.W_dec.detach(), PROMOTED)
