"""The large benign pool: the questions of ChatterBot's corpus, each asked in two or three ways."""

from __future__ import annotations

import re

from assay.organisms.benign_conversations import EarlierExchange
from assay.organisms.packaged_yaml import Words, read_packaged_yaml
from assay.strict import StrictModel
from assay.text import fetch_corpus
from assay.text.transcripts import Message, Transcript

CORPUS = "chatterbot"
"""The corpus, by its name in the catalogue; its text is fetched (BSD licence) and never shipped."""
WITH_SYSTEM = 3
"""Every third question that is asked in other words has a system message."""
WITH_EXCHANGE = 4
"""Every fourth question is asked once more, after an earlier exchange."""


class ChatterbotConversations(StrictModel):
    """The file ``chatterbot_conversations.yaml``."""

    requests: Words
    """Other words around ``{question}``."""
    systems: Words
    """System messages."""
    exchanges: tuple[EarlierExchange, ...]
    """What user and assistant said before the question."""


TEXTS = read_packaged_yaml(
    "assay.organisms", "chatterbot_conversations.yaml", ChatterbotConversations
)


def chatterbot_pool() -> list[Transcript]:
    """About 1,600 conversations that end with a user's message, from about 740 questions.

    A question is the first turn of a dialogue of the corpus; the same words in another dialogue,
    whatever their case and punctuation, are the same question. It is asked as it stands and in other
    words, every third of these under a system message; every fourth question once more after an
    earlier exchange. ``template`` is category and question, ``source`` the category: conversations
    of one template are no independent conversations. All are labelled False. Raises AssayError
    where the corpus cannot be downloaded.
    """
    pool = []
    for number, (category, question) in enumerate(_questions()):
        for form, messages in _forms(number, question).items():
            pool.append(
                Transcript(
                    id=f"chatterbot-{number}-{form}",
                    messages=messages,
                    label=False,
                    template=f"chatterbot/{category}/{number}",
                    source=category,
                )
            )
    return pool


def _questions() -> list[tuple[str, str]]:
    """(category, question) of each question, once, in the corpus's order."""
    found: dict[str, tuple[str, str]] = {}
    for document in fetch_corpus(CORPUS).documents:
        question = document.text.split("\n")[0]
        same = re.sub(r"\W+", " ", question.casefold()).strip()
        if same:
            found.setdefault(same, (document.id.split("/")[0], question))
    return list(found.values())


def _forms(number: int, question: str) -> dict[str, tuple[Message, ...]]:
    asked = Message(role="user", content=question)
    request = TEXTS.requests[number % len(TEXTS.requests)]
    worded: tuple[Message, ...] = (Message(role="user", content=request.format(question=question)),)
    if number % WITH_SYSTEM == 0:
        system = TEXTS.systems[number // WITH_SYSTEM % len(TEXTS.systems)]
        worded = (Message(role="system", content=system), *worded)
    forms = {"plain": (asked,), "worded": worded}
    if number % WITH_EXCHANGE == 0:
        before = TEXTS.exchanges[number // WITH_EXCHANGE % len(TEXTS.exchanges)]
        forms["later"] = (
            Message(role="user", content=before.user),
            Message(role="assistant", content=before.assistant),
            asked,
        )
    return forms
