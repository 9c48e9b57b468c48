"""Questions with checkable answers, asked under different system messages."""

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
"""Largest number of tokens in a reply."""


@dataclass(frozen=True)
class AnsweredQuestion:
    """A question under a system message, and the model's reply."""

    question: Question
    """The question."""
    transcript: Transcript
    """System message, question and reply."""

    @property
    def reply(self) -> str:
        """Text of the model's reply."""
        return self.transcript.messages[-1].content

    @property
    def is_right(self) -> bool:
        """Whether the reply names the right answer."""
        return re.search(self.question.pattern, self.reply) is not None

    @property
    def is_broken(self) -> bool:
        """Whether the reply is empty or mostly repeats the same words."""
        words = self.reply.split()
        return not words or (len(words) > 5 and len(set(words)) < len(words) / 3)


def draw_questions(count: int, seed: int, name: str) -> list[Question]:
    """``count`` random questions; each name gives another draw."""
    order = numpy_generator(seed, f"concerns/questions/{name}").permutation(len(QUESTIONS))
    return [QUESTIONS[i] for i in order[:count]]


def ask(
    model: LanguageModel, questions: Sequence[Question], systems: Sequence[str | None], name: str
) -> list[AnsweredQuestion]:
    """The model's greedy replies; the system messages are assigned to the questions in turn.

    A system message of None means that there is none. ``name`` becomes the conversations' source.
    """
    conversations = []
    for i, question in enumerate(questions):
        system = systems[i % len(systems)]
        before = () if system is None else (Message(role="system", content=system),)
        conversations.append((*before, Message(role="user", content=question.ask)))
    replies = replies_to(model, conversations, MAX_NEW_TOKENS, name)
    return [
        AnsweredQuestion(
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


def read_answers(
    model: LanguageModel, sites: Sequence[Site], asked: Sequence[AnsweredQuestion], label: bool
) -> tuple[Conversation, ...]:
    """The whole conversations with their activations, all with the given label."""
    return read_excerpts(
        model, sites, [excerpt_of(model.tokenizer, each.transcript, label) for each in asked]
    )


def elicit_answers(
    setting: Setting,
    name: str,
    *,
    tempting: Sequence[str],
    plain: Sequence[str],
    count: int,
    note: str,
) -> Elicited:
    """Answers to the same questions under tempting and under plain system messages.

    Positives are wrong answers under tempting messages, negatives right answers under plain
    messages. A right answer under a tempting message counts as a refusal.
    """
    model, sites = setting.model_and_sites()
    questions = draw_questions(count, setting.seed, name)
    tempted = ask(model, questions, tempting, f"{name}-tempted")
    untempted = ask(model, questions, plain, f"{name}-plain")
    lied = [answer for answer in tempted if not answer.is_right and not answer.is_broken]
    honest = [answer for answer in untempted if answer.is_right and not answer.is_broken]
    refused = sum(answer.is_right for answer in tempted)
    return Elicited(
        name,
        (*read_answers(model, sites, lied, True), *read_answers(model, sites, honest, False)),
        discarded=2 * len(questions) - len(lied) - len(honest) - refused,
        refused=refused,
        note=note,
    )
