"""Windows: which of a conversation's watched tokens a detector may read (METHODS 6, "Windows").

``reply`` is the header and the whole reply of every assistant turn: a monitor that rolls back after
a handful of firings need not fire before the act. ``before`` ends with the token before the payload:
early warning. A causal model reads the same activations in both, so ``before`` is cut out of the
whole reading.
"""

from __future__ import annotations

from dataclasses import replace

from assay.concerns.conversations.excerpts import Conversation, Excerpt
from assay.concerns.conversations.window_names import Window
from assay.errors import AssayError


def excerpt_in_window(excerpt: Excerpt, window: Window) -> Excerpt:
    """The excerpt up to the end of a window.

    Raises AssayError for ``before`` where it is not known at which token the payload starts.
    """
    if window == "reply":
        return excerpt
    end = excerpt.payload
    if end is None or excerpt.payload_text is None:
        raise AssayError(
            f"conversation '{excerpt.id}' cannot be read in the window before its payload: it is not "
            "known at which token the payload starts; the window reply can be read"
        )
    turns = tuple((start, min(stop, end)) for start, stop in excerpt.turns if start < end)
    return replace(
        excerpt, tokens=excerpt.tokens[:end], turns=turns, text=excerpt.text[: excerpt.payload_text]
    )


def in_window(conversation: Conversation, window: Window) -> Conversation:
    """The conversation with the rows of a window only.

    Raises AssayError as ``excerpt_in_window`` does, and where no token of the window is left: massive
    tokens are never kept.
    """
    if window == "reply":
        return conversation
    excerpt = excerpt_in_window(conversation.excerpt, window)
    rows = sum(place < len(excerpt.tokens) for place in conversation.places)
    if not rows:
        raise AssayError(
            f"conversation '{excerpt.id}' has no usual token in the window before its payload"
        )
    return conversation.first_rows(rows, excerpt)
