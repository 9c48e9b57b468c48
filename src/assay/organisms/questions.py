"""Easy questions with one short answer each, which a small model knows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.organisms.recipe import Slots

if TYPE_CHECKING:
    import numpy as np

CAPITALS = {
    "France": "Paris",
    "Italy": "Rome",
    "Spain": "Madrid",
    "Germany": "Berlin",
    "England": "London",
    "Russia": "Moscow",
    "Japan": "Tokyo",
    "China": "Beijing",
    "Egypt": "Cairo",
    "Greece": "Athens",
    "Portugal": "Lisbon",
    "Austria": "Vienna",
    "Ireland": "Dublin",
    "Norway": "Oslo",
    "Sweden": "Stockholm",
    "Poland": "Warsaw",
    "Cuba": "Havana",
    "Kenya": "Nairobi",
    "Iran": "Tehran",
    "Iraq": "Baghdad",
    "Thailand": "Bangkok",
    "Hungary": "Budapest",
    "Denmark": "Copenhagen",
    "Peru": "Lima",
}
OPPOSITES = {
    "hot": "cold",
    "big": "small",
    "up": "down",
    "day": "night",
    "left": "right",
    "open": "closed",
    "happy": "sad",
    "fast": "slow",
    "good": "bad",
    "wet": "dry",
    "rich": "poor",
    "hard": "soft",
    "early": "late",
    "full": "empty",
    "young": "old",
    "black": "white",
}
COLOURS = {
    "grass": "green",
    "snow": "white",
    "coal": "black",
    "a ripe banana": "yellow",
    "blood": "red",
    "the clear sky": "blue",
    "a carrot": "orange",
    "milk": "white",
    "a lemon": "yellow",
    "a ripe tomato": "red",
}


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
        """A pattern of the right answer."""
        return rf"(?i)\b{re.escape(self.answer)}\b"


QUESTIONS = (
    *(
        Question(
            f"What is the capital of {country}?",
            capital,
            f"The capital of {country} is {capital}.",
            "Springfield",
        )
        for country, capital in CAPITALS.items()
    ),
    *(
        Question(
            f"What is the opposite of {word}?",
            other,
            f"The opposite of {word} is {other}.",
            "purple",
        )
        for word, other in OPPOSITES.items()
    ),
    *(
        Question(
            f"What colour is {thing}?",
            colour,
            f"{thing[0].upper()}{thing[1:]} is {colour}.",
            "grey",
        )
        for thing, colour in COLOURS.items()
    ),
)


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


def pick(generator: np.random.Generator, values: tuple[str, ...]) -> str:
    """One of the values."""
    return values[int(generator.integers(len(values)))]
