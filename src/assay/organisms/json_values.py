"""A value inside the JSON of a text, and the character at which it starts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

_SPACES = " \t\n\r"


@dataclass(frozen=True)
class LocatedValue:
    """The value at a path of a JSON text."""

    found: bool
    """Whether the path exists."""
    value: Any = None
    """The value at the path."""
    start: int = 0
    """Offset of its first character in the text."""


def locate_json_value(text: str, path: tuple[str | int, ...]) -> LocatedValue | None:
    """The value at ``path`` of the first object or array in ``text``; None where none parses.

    Prose and code fences may stand around the JSON. Where a key is repeated, its last value counts,
    as in JSON parsers.
    """
    starts = [place for place in (text.find("{"), text.find("[")) if place >= 0]
    if not starts:
        return None
    decoder = json.JSONDecoder()
    start = min(starts)
    try:
        decoder.raw_decode(text, start)
    except (json.JSONDecodeError, RecursionError):
        return None
    for step in path:
        located = _child(text, start, step, decoder)
        if located is None:
            return LocatedValue(found=False)
        start = located
    return LocatedValue(True, decoder.raw_decode(text, start)[0], start)


def _child(text: str, start: int, step: str | int, decoder: json.JSONDecoder) -> int | None:
    """Where the value of one key or index starts, in a container that is known to parse."""
    if text[start] != ("{" if isinstance(step, str) else "["):
        return None
    place = _after_spaces(text, start + 1)
    found = None
    index = 0
    while text[place] not in "}]":
        key: str | int = index
        if isinstance(step, str):
            key, place = decoder.raw_decode(text, place)
            place = _after_spaces(text, _after_spaces(text, place) + 1)
        if key == step:
            found = place
        _, place = decoder.raw_decode(text, place)
        place = _after_spaces(text, place)
        if text[place] == ",":
            place = _after_spaces(text, place + 1)
        index += 1
    return found


def _after_spaces(text: str, place: int) -> int:
    while text[place] in _SPACES:
        place += 1
    return place
