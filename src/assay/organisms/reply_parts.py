"""The parts of an assistant's text that a label can look at: reasoning trace, answer, code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

Part = Literal["think", "answer", "code"]
PARTS: tuple[Part, ...] = get_args(Part)

_THINK = re.compile(r"<think>(.*?)(?:</think>|\Z)", re.DOTALL)
_FENCE = re.compile(r"^[ \t]*```[^\n`]*\n(.*?)(?:^[ \t]*```|\Z)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Span:
    """A piece of the assistant's text and where it stands."""

    start: int
    """Offset of its first character in the whole text."""
    text: str
    """The characters."""


def spans_of(text: str, part: Part | None) -> list[Span]:
    """The pieces of ``text`` that belong to ``part``, in order; None means the whole text.

    ``think``: between <think> and </think>, or to the end where the trace was cut off.
    ``answer``: what follows the trace; the whole text without one; nothing after a cut-off trace.
    ``code``: inside fenced blocks, or to the end where the last fence was never closed.
    """
    if part is None:
        return [Span(0, text)]
    if part == "think":
        return [Span(match.start(1), match[1]) for match in _THINK.finditer(text)]
    if part == "answer":
        return _answer(text)
    return [Span(match.start(1), match[1]) for match in _FENCE.finditer(text)]


def _answer(text: str) -> list[Span]:
    if "<think>" not in text:
        return [Span(0, text)]
    _, found, answer = text.rpartition("</think>")
    return [Span(len(text) - len(answer), answer)] if found else []
