"""Benign conversations of deployments that differ from the calibration in one respect each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from assay.organisms.packaged_yaml import Words, read_packaged_yaml
from assay.strict import StrictModel
from assay.text.transcripts import Message, Transcript

LONG_REPLY = 200
"""Tokens of the replies under the shift of length."""

NO_SHIFT = "none: the same prompts"
"""The comparison: what the other shifts are held against."""

Replies = Callable[[Sequence[Transcript], int], Sequence[Transcript]]
"""Conversations that end with the user, and the greatest length of a reply → the same, answered."""


class ShiftedTexts(StrictModel):
    """The file ``deployment_shifts.yaml``."""

    prompts: Words
    """Prompts in English, which every shift but that of language uses."""
    follow_ups: Words
    """What the user says in the second and third turn."""
    systems: Mapping[str, str]
    """Name → system message."""
    languages: Mapping[str, Words]
    """Language → prompts."""


TEXTS = read_packaged_yaml("assay.monitoring", "deployment_shifts.yaml", ShiftedTexts)


@dataclass(frozen=True)
class Shift:
    """One way in which a deployment differs, and its conversations."""

    name: str
    """What was changed, in words."""
    conversations: tuple[Transcript, ...]
    """Benign conversations under it, ending with the assistant."""


def shifted_conversations(answer: Replies, max_new_tokens: int) -> list[Shift]:
    """Every shift, its conversations answered by ``answer``; the first is none, for comparison.

    ``max_new_tokens`` is the length of the replies that the monitor was calibrated on; all shifts but
    that of length keep it. ``answer`` is called once for each length and for each further turn.
    """
    asked = {NO_SHIFT: _asked("plain", TEXTS.prompts)}
    for name, system in TEXTS.systems.items():
        asked[f"system prompt: {name}"] = _asked(name, TEXTS.prompts, system)
    for language, prompts in TEXTS.languages.items():
        asked[f"language: {language}"] = _asked(language, prompts)
    first_turns = _asked("turns", TEXTS.prompts, numbered="-1")
    together = [each for conversations in asked.values() for each in conversations]
    answered = list(answer([*together, *first_turns], max_new_tokens))
    shifts = []
    for name, conversations in asked.items():
        shifts.append(Shift(name, tuple(answered[: len(conversations)])))
        answered = answered[len(conversations) :]
    for number, follow_up in enumerate(TEXTS.follow_ups, start=2):
        again = [_continued(t, f"turns-{i}-{number}", follow_up) for i, t in enumerate(answered)]
        answered = list(answer(again, max_new_tokens))
    shifts.append(Shift(f"{len(TEXTS.follow_ups) + 1} turns", tuple(answered)))
    long = answer(_asked("long", TEXTS.prompts), LONG_REPLY)
    shifts.insert(1, Shift(f"replies of up to {LONG_REPLY} tokens", tuple(long)))
    return shifts


def _asked(
    name: str, prompts: Sequence[str], system: str | None = None, *, numbered: str = ""
) -> list[Transcript]:
    """One conversation a prompt; ``numbered`` ends its id."""
    return [
        _conversation(f"{name}-{i}{numbered}", prompt, system) for i, prompt in enumerate(prompts)
    ]


def _conversation(id: str, ask: str, system: str | None = None) -> Transcript:
    messages = [Message(role="user", content=ask)]
    if system is not None:
        messages.insert(0, Message(role="system", content=system))
    return Transcript(id=f"shift-{id}", messages=tuple(messages), label=False, source="shift")


def _continued(answered: Transcript, id: str, follow_up: str) -> Transcript:
    asked = Message(role="user", content=follow_up)
    return answered.model_copy(
        update={"id": f"shift-{id}", "messages": (*answered.messages, asked)}
    )
