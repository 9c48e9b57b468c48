"""Everything the page's table of features shows, packed small enough to travel in the page."""

from __future__ import annotations

import base64
import gzip
import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from assay.dictionaries.top_contexts import TopContexts

HIGHLIGHT_LEVELS = 9


def feature_examples(
    contexts: TopContexts,
    tokens: np.ndarray,
    starts: np.ndarray,
    document_names: list[str],
    promoted: list[list[tuple[str, float]]],
    decode: Any,
) -> dict[str, Any]:
    """The contexts and promoted tokens of every feature, as JSON with a shared list of strings.

    ``tokens`` [crops, length]; ``starts`` [crops]; ``document_names`` [crops]; ``decode`` maps a
    token id to its text. Activations are kept as 0–9, relative to the feature's own peak.
    """
    strings: dict[str, int] = {}

    def index(text: str) -> int:
        return strings.setdefault(text, len(strings))

    vocabulary = {int(token): decode(int(token)) for token in np.unique(tokens)}
    examples = []
    for feature in range(len(contexts.rows)):
        # The sink is left out of peaks, and may fire far above them: it is not highlighted.
        peak = float(contexts.activations[feature, :, contexts.before].max(initial=0.0))
        shown = []
        for rank, row in enumerate(contexts.rows[feature]):
            if row < 0:
                continue
            position = int(contexts.positions[feature, rank])
            window = contexts.activations[feature, rank]
            first = position - contexts.before
            places = [p for p in range(first, first + len(window)) if 0 <= p < tokens.shape[1]]
            levels = [
                int(np.ceil(HIGHLIGHT_LEVELS * min(float(window[p - first]) / peak, 1.0))) * (p > 0)
                for p in places
            ]
            shown.append(
                {
                    "t": [index(vocabulary[int(tokens[row, p])]) for p in places],
                    "a": "".join(str(level) for level in levels),
                    "p": position,
                    "v": round(float(window[contexts.before]), 3),
                    "d": index(document_names[row]),
                    "s": int(starts[row]),
                }
            )
        examples.append(
            {"c": shown, "l": [[index(t), round(score, 2)] for t, score in promoted[feature]]}
        )
    return {"strings": list(strings), "features": examples}


def pack(value: Any) -> str:
    """JSON, gzipped and in base64, with the same bytes for the same value."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode("ascii")
