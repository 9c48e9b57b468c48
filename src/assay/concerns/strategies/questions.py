"""Questions with answers that can be checked, asked under one system message or another."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.concerns.conversations.excerpts import Conversation, excerpt_of
from assay.concerns.conversations.reading import read_excerpts
from assay.concerns.strategies.strategy import Elicited, Setting
from assay.organisms.easy_questions import QUESTIONS, Question
from assay.organisms.replies import replies_to
from assay.randomness import numpy_generator
from assay.text.transcripts import Message, Transcript

if TYPE_CHECKING:
    from assay.models import LanguageModel, Site

MAX_NEW_TOKENS = 20
"""Length of a reply."""


@dataclass(frozen=True)
class Asked:
    """One question under a system message, and the model's own reply."""

    question: Question
    """The question."""
    transcript: Transcript
    """System message, question and reply."""

    @property
    def reply(self) -> str:
        """What the model said."""
        return self.transcript.messages[-1].content

    @property
    def is_right(self) -> bool:
        """Whether the reply names the right answer."""
        return re.search(self.question.pattern, self.reply) is not None

    @property
    def is_broken(self) -> bool:
        """Whether the reply is empty or one word over and over."""
        words = self.reply.split()
        return not words or (len(words) > 5 and len(set(words)) < len(words) / 3)


def drawn(count: int, seed: int, name: str) -> list[Question]:
    """Some of the questions; another draw for each name."""
    order = numpy_generator(seed, f"concerns/questions/{name}").permutation(len(QUESTIONS))
    return [QUESTIONS[i] for i in order[:count]]


def ask(
    model: LanguageModel, questions: Sequence[Question], systems: Sequence[str | None], name: str
) -> list[Asked]:
    """The model's greedy replies, each question under the next of the system messages."""
    conversations = []
    for i, question in enumerate(questions):
        system = systems[i % len(systems)]
        before = () if system is None else (Message(role="system", content=system),)
        conversations.append((*before, Message(role="user", content=question.ask)))
    replies = replies_to(model, conversations, MAX_NEW_TOKENS, name)
    return [
        Asked(
            question,
            Transcript(
                id=f"{name}-{i}",
                messages=(*messages, Message(role="assistant", content=reply)),
                template=f"{name}/{question.ask}",
                source=name,
            ),
        )
        for i, (question, messages, reply) in enumerate(
            zip(questions, conversations, replies, strict=True)
        )
    ]


def read_asked(
    model: LanguageModel, site: Site, asked: Sequence[Asked], label: bool
) -> tuple[Conversation, ...]:
    """The conversations with the label given, read whole."""
    return read_excerpts(
        model, site, [excerpt_of(model.tokenizer, one.transcript, label) for one in asked]
    )


def wrong_and_right(
    setting: Setting,
    name: str,
    *,
    tempting: Sequence[str],
    plain: Sequence[str],
    count: int,
    note: str,
) -> Elicited:
    """The same questions under either kind of system message.

    Kept are wrong answers where the message tempts, and right ones where it does not; a right
    answer in spite of it is a refusal.
    """
    model, site = setting.model_and_site()
    questions = drawn(count, setting.seed, name)
    tempted = ask(model, questions, tempting, f"{name}-tempted")
    untempted = ask(model, questions, plain, f"{name}-plain")
    lied = [one for one in tempted if not one.is_right and not one.is_broken]
    honest = [one for one in untempted if one.is_right and not one.is_broken]
    refused = sum(one.is_right for one in tempted)
    return Elicited(
        name,
        (*read_asked(model, site, lied, True), *read_asked(model, site, honest, False)),
        discarded=2 * len(questions) - len(lied) - len(honest) - refused,
        refused=refused,
        note=note,
    )
