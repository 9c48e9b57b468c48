"""Everything the page's table of features shows, packed small enough to travel in the page."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

from assay.dictionaries.decoded_contexts import DecodedContexts


def examples_of_page(contexts: DecodedContexts) -> dict[str, Any]:
    """The contexts and promoted tokens under the short names that the page's script reads."""
    return {
        "strings": contexts.strings,
        "features": [
            {
                "c": [
                    {
                        "t": context.tokens,
                        "a": context.levels,
                        "p": context.position,
                        "v": context.activation,
                        "d": context.document,
                        "s": context.start,
                    }
                    for context in feature.contexts
                ],
                "l": feature.promoted,
            }
            for feature in contexts.features
        ],
    }


def pack(value: Any) -> str:
    """JSON, gzipped and in base64, with the same bytes for the same value."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode("ascii")
