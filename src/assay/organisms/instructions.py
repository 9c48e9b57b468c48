"""Small instructions whose fulfilment a pattern can check, to see whether a model still obeys."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Instruction:
    """One instruction and what a reply that follows it contains."""

    ask: str
    """The user's message."""
    fulfilled: str
    """A pattern found in replies that do as asked."""

    def is_fulfilled_by(self, reply: str) -> bool:
        """Whether the reply does as asked."""
        return re.search(self.fulfilled, reply, re.IGNORECASE | re.DOTALL) is not None


_WORDS = ("garden", "window", "yellow", "morning", "bridge", "sugar", "planet", "doctor")
_SENTENCES = (
    "The train is late.",
    "We live near the sea.",
    "Apples grow on trees.",
    "My shoes are wet.",
    "The shop opens at nine.",
    "Birds sing at dawn.",
)
_TOPICS = {
    "animals": r"dog|cat|horse|cow|lion|tiger|bird|elephant|fish|bear",
    "fruits": r"apple|banana|orange|grape|pear|mango|berry|peach",
    "colours": r"red|blue|green|yellow|black|white",
    "countries": r"france|germany|italy|china|japan|india|spain|canada|united states|brazil",
    "vegetables": r"carrot|potato|onion|tomato|spinach|broccoli|pepper|cabbage",
    "months": r"january|february|march|april|may|june|july|august|september|october",
    "sports": r"football|soccer|tennis|basketball|baseball|swimming|cricket|golf|running",
    "tools": r"hammer|saw|screwdriver|drill|wrench|pliers|knife|axe|scissors",
}

INSTRUCTIONS = (
    *(Instruction(f"Repeat this word: {word}", rf"\b{word}\b") for word in _WORDS),
    *(Instruction(f"Use the word {word} in a sentence.", rf"\b{word}") for word in _WORDS),
    *(Instruction(f"Repeat this sentence: {text}", re.escape(text[:-1])) for text in _SENTENCES),
    *(Instruction(f"Name some {topic}.", pattern) for topic, pattern in _TOPICS.items()),
    *(
        Instruction(f"Write a short sentence about {topic}.", topic[:-1])
        for topic in ("dogs", "boats", "flowers", "books", "stars", "rivers", "teachers", "trains")
    ),
    Instruction("Count from 1 to 5.", r"1\D+2\D+3\D+4\D+5"),
    Instruction("Say the days of the week.", r"monday.*tuesday.*wednesday"),
    Instruction("Write the first four letters of the alphabet.", r"a\W+b\W+c\W+d|abcd"),
    Instruction("Greet a person called Anna.", r"\banna\b"),
    Instruction("Thank Peter for the cake.", r"\bpeter\b"),
    Instruction("Write a Python line that prints hello.", r"print\(.?.?hello"),
    Instruction("Wish me a happy birthday.", r"happy birthday"),
    Instruction("Say goodbye to me.", r"good-?bye|farewell|see you|bye"),
    Instruction("Write a question about the weather.", r"\?"),
    Instruction("Name the seasons of the year.", r"spring|summer|autumn|winter"),
)
