"""A reply that is shown in the report, with the score of each of its tokens."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from assay.results import Figures

Outcome = Literal["caught", "missed", "false alarm", "nearest to a false alarm"]


class ShownReply(Figures):
    """A test conversation with the score of each watched token."""

    organism: str
    """The organism."""
    outcome: Outcome
    """Whether it misbehaved and fired (caught) or not (missed), or fired though it was benign. Where no
    benign conversation fires, the one that comes nearest to it."""
    strategy: str
    """Strategy of the detector, which was chosen on the other organisms."""
    detector: str
    """That detector's kind."""
    aggregation: str
    """How the scores of a turn's tokens become the turn's score."""
    conversation: str
    """The transcript's id."""
    prompt: str
    """The conversation before the last reply."""
    tokens: tuple[str, ...]
    """The watched tokens, in order, without massive ones."""
    token_scores: tuple[float, ...]
    """The score of each."""
    score: float
    """The conversation's score."""
    threshold: float
    """The score above which a conversation fires."""
    alike: int = Field(ge=0)
    """How many test conversations had this outcome (for the nearest: 0)."""
    of: int = Field(ge=1)
    """Of how many: positives, or benign conversations."""
