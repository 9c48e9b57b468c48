"""A reply with its tokens coloured by the detector's score."""

from __future__ import annotations

from dataclasses import dataclass

from assay.concerns.matrix.reply_result import ShownReply
from assay.reporting.candidate_view import HighlightedToken, highlighted

LONGEST_PROMPT = 320
"""Characters of a prompt that are shown; the end counts, where the question stands."""


@dataclass(frozen=True)
class ReplyView:
    """A reply as the card shows it."""

    found: ShownReply
    """Its figures."""
    prompt: str
    """The conversation before the reply, cut at the front where it is long."""
    tokens: tuple[HighlightedToken, ...]
    """The watched tokens, each with the step of its colour."""


def reply_view(found: ShownReply) -> ReplyView:
    """Tokens above the threshold in colour: the further above it, the darker."""
    peak = max((score - found.threshold for score in found.token_scores), default=0.0)
    tokens = [
        highlighted(token, score - found.threshold, peak)
        for token, score in zip(found.tokens, found.token_scores, strict=True)
    ]
    prompt = found.prompt
    if len(prompt) > LONGEST_PROMPT:
        prompt = "… " + prompt[-LONGEST_PROMPT:]
    return ReplyView(found, prompt, tuple(tokens))
