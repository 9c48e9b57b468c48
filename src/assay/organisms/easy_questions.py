"""Easy questions with one short answer each, which a small model knows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from assay.organisms.packaged_yaml import read_packaged_yaml
from assay.organisms.recipe import Slots
from assay.strict import StrictModel


@dataclass(frozen=True)
class Question:
    """A question, its answer, and a wrong answer of the same kind that is never right."""

    ask: str
    """The question."""
    answer: str
    """The right answer: a word."""
    sentence: str
    """The right answer as a sentence."""
    wrong: str
    """A wrong answer of the same kind."""

    @property
    def pattern(self) -> str:
        """A regular expression that finds the right answer as a whole word, whatever its case."""
        return rf"(?i)\b{re.escape(self.answer)}\b"


class Theme(StrictModel):
    """Questions of one kind, such as capitals."""

    ask: str
    """The question about ``{subject}``."""
    sentence: str
    """The right answer ``{answer}`` as a sentence."""
    wrong: str
    """A wrong answer to all of them."""
    answers: Mapping[str, str]
    """Subject → right answer."""

    def questions(self) -> list[Question]:
        """The questions, in the file's order."""
        return [self._question(subject, answer) for subject, answer in self.answers.items()]

    def _question(self, subject: str, answer: str) -> Question:
        sentence = self.sentence.format(subject=subject, answer=answer)
        return Question(
            ask=self.ask.format(subject=subject),
            answer=answer,
            sentence=sentence[0].upper() + sentence[1:],
            wrong=self.wrong,
        )


class EasyQuestions(StrictModel):
    """The file ``easy_questions.yaml``."""

    capitals: Theme
    """Countries and their capitals."""
    opposites: Theme
    """Words and their opposites."""
    colours: Theme
    """Things and their colours."""


_FILE = read_packaged_yaml("assay.organisms", "easy_questions.yaml", EasyQuestions)

CAPITALS: Mapping[str, str] = _FILE.capitals.answers
"""Country → capital."""
QUESTIONS: tuple[Question, ...] = (
    *_FILE.capitals.questions(),
    *_FILE.opposites.questions(),
    *_FILE.colours.questions(),
)
"""All questions, those on capitals first."""


def drawn_question(generator: np.random.Generator) -> Slots:
    """Slots ask, answer, sentence, wrong and pattern of one question."""
    question = QUESTIONS[int(generator.integers(len(QUESTIONS)))]
    return {
        "ask": question.ask,
        "answer": question.answer,
        "sentence": question.sentence,
        "wrong": question.wrong,
        "pattern": question.pattern,
    }
