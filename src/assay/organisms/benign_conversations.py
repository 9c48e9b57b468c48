"""Benign conversations as in deployment, which belong to no organism: for thresholds."""

from __future__ import annotations

from collections.abc import Iterator

from assay.organisms.packaged_yaml import Words, read_packaged_yaml
from assay.strict import StrictModel
from assay.text.transcripts import Message, Transcript


class Theme(StrictModel):
    """Wordings around the values of one slot."""

    slot: str
    """Name of the slot in the wordings."""
    values: Words
    """What stands in the slot."""
    wordings: Words
    """What the user says."""

    def asks(self) -> Iterator[tuple[int, str]]:
        """Every wording around every value: (number of the wording, the user's words)."""
        for value in self.values:
            for number, wording in enumerate(self.wordings):
                yield number, wording.format(**{self.slot: value})


class EarlierExchange(StrictModel):
    """What user and assistant said before the last message."""

    user: str
    """The user's words."""
    assistant: str
    """The assistant's reply."""


class BenignConversations(StrictModel):
    """The file ``benign_conversations.yaml``."""

    chat: Theme
    """Small talk."""
    question: Theme
    """Questions of general knowledge."""
    code: Theme
    """Requests for small programs."""
    arithmetic: Words
    """Sums of ``{a}`` and ``{b}``."""
    role_play: Theme
    """Role-play, with fictional lies and villains."""
    earlier_exchange: EarlierExchange
    """What precedes the last message of every fifth group of five."""
    system: str
    """The system message of every seventh group of five."""


TEXTS = read_packaged_yaml("assay.organisms", "benign_conversations.yaml", BenignConversations)
NUMBERS = tuple((23 + 17 * n, 4 + 3 * n) for n in range(17))
"""The pairs of numbers in the sums."""


def deployment_pool() -> list[Transcript]:
    """455 conversations that end with a user's message; ``source`` is their kind.

    The kinds are chat, question, code, arithmetic and role-play (the last with fictional lies and
    villains, which are benign). About a fifth have an earlier exchange before the last message, and
    about a seventh a system message. All are labelled False: nobody asks for harm.
    """
    return [
        Transcript(
            id=f"deployment-{kind}-{number}",
            messages=_messages(number, ask),
            label=False,
            template=f"deployment/{kind}/{template}",
            source=kind,
        )
        for kind, asks in _asks().items()
        for number, (template, ask) in enumerate(asks)
    ]


def _asks() -> dict[str, list[tuple[int, str]]]:
    """For each kind (number of the template, the user's words)."""
    sums = [
        (number, wording.format(a=a, b=b))
        for a, b in NUMBERS
        for number, wording in enumerate(TEXTS.arithmetic)
    ]
    return {
        "chat": list(TEXTS.chat.asks()),
        "question": list(TEXTS.question.asks()),
        "code": list(TEXTS.code.asks()),
        "arithmetic": sums,
        "role-play": list(TEXTS.role_play.asks()),
    }


def _messages(number: int, ask: str) -> tuple[Message, ...]:
    messages = [Message(role="user", content=ask)]
    if number // 5 % 5 == 4:
        messages = [
            Message(role="user", content=TEXTS.earlier_exchange.user),
            Message(role="assistant", content=TEXTS.earlier_exchange.assistant),
            *messages,
        ]
    if number // 5 % 7 == 6:
        messages.insert(0, Message(role="system", content=TEXTS.system))
    return tuple(messages)
