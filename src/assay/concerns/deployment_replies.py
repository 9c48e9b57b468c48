"""Replies of the deployed model to benign conversations: shipped ones, and the others generated."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from assay.models import LanguageModel
from assay.organisms import known_replies, replies_to
from assay.randomness import numpy_generator
from assay.results import Figures
from assay.statistics import clopper_pearson
from assay.text.transcripts import Message, Transcript

CONFIRMED = 16
"""Shipped replies that are written again, to confirm them."""
COMPARED_TOKENS = 24
"""Tokens of a reply that are written again."""
LEAST_SAME = 0.5
"""Share of these that must be identical; else no shipped reply is used."""


class ReplyFacts(Figures):
    """Where replies came from."""

    written: int = Field(ge=0)
    """Replies that the model wrote in this run."""
    shipped: int = Field(ge=0)
    """Replies that are shipped with Assay."""
    regenerated: int = Field(ge=0)
    """Shipped replies that were written again."""
    same: int = Field(ge=0)
    """How many of those are identical."""

    @property
    def in_words(self) -> str:
        """A sentence, or nothing where no reply is shipped."""
        if not self.shipped:
            return ""
        total = self.shipped + self.written
        if not self.regenerated:
            return (
                f" {self.shipped:,} of {total:,} replies are shipped with Assay, not written here."
            )
        low, high = clopper_pearson(self.same, self.regenerated)
        return (
            f" {self.shipped:,} of {total:,} replies are shipped with Assay; of "
            f"{self.regenerated} of them that were written again, {self.same} are identical "
            f"({self.same / self.regenerated:.0%}, 95 % interval {low:.0%} to {high:.0%}). A reply "
            "that differs may score differently: rounding on another machine changes later words."
        )


def with_replies(
    conversations: Sequence[Transcript],
    model: LanguageModel,
    max_new_tokens: int,
    seed: int,
    *,
    confirmed: int = CONFIRMED,
) -> tuple[list[Transcript], ReplyFacts]:
    """The conversations with the model's own greedy reply wherever they end with the user.

    A reply that is shipped for this model, conversation and length is taken as it is; a sample of
    these, at most ``confirmed``, is generated again. Where fewer than half of the sample come out to
    the letter, all replies are generated.
    """
    unanswered = [t for t in conversations if t.messages[-1].role != "assistant"]
    known = known_replies(unanswered, model.fingerprint, max_new_tokens)
    order = numpy_generator(seed, "concerns/deployment/confirm").permutation(len(known))
    chosen = {list(known)[i] for i in order[:confirmed]}
    again = [t for t in unanswered if t.id in chosen]
    same = _same(again, known, model, max_new_tokens)
    if same < LEAST_SAME * len(again):
        known = {}
    waiting = [t for t in unanswered if t.id not in known]
    written: list[str] = []
    if waiting:
        asked = [t.messages for t in waiting]
        written = replies_to(model, asked, max_new_tokens, "replies in deployment")
    replies = {**known, **{t.id: reply for t, reply in zip(waiting, written, strict=True)}}
    facts = ReplyFacts(written=len(waiting), shipped=len(known), regenerated=len(again), same=same)
    return [_answered(t, replies[t.id]) if t.id in replies else t for t in conversations], facts


def _same(
    chosen: Sequence[Transcript], known: dict[str, str], model: LanguageModel, max_new_tokens: int
) -> int:
    """How many shipped replies begin to the letter as the model writes them now."""
    if not chosen:
        return 0
    tokens = min(max_new_tokens, COMPARED_TOKENS)
    replies = replies_to(model, [t.messages for t in chosen], tokens, "confirming shipped replies")
    return sum(
        _begins_so(known[t.id], reply, cut=tokens < max_new_tokens)
        for t, reply in zip(chosen, replies, strict=True)
    )


def _begins_so(shipped: str, reply: str, *, cut: bool) -> bool:
    """Whether the shipped reply is this one; where it was ``cut`` off, whether it begins with it."""
    # A cut inside a character leaves a replacement sign at the end.
    beginning = reply.rstrip("\N{REPLACEMENT CHARACTER}")
    return shipped == reply or (cut and beginning != "" and shipped.startswith(beginning))


def _answered(conversation: Transcript, reply: str) -> Transcript:
    message = Message(role="assistant", content=reply or " ")
    return conversation.model_copy(update={"messages": (*conversation.messages, message)})
