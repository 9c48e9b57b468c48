"""The text of each token of a sequence, such that together they are the sequence's text.

A character may be made of several tokens (many of "漢" or "🤖" are), none of which is text by
itself, and some tokenizers drop a token's space where it is decoded alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

UNKNOWN = "\ufffd"
"""What stands for bytes that are no whole character."""


def token_texts(
    tokenizer: Any, tokens: Sequence[int], known: Mapping[int, str] | None = None
) -> list[str]:
    """Each token's text; a character of several tokens stands at the last of them, and the others are
    empty. Without a tokenizer a token is written as its id.

    ``known`` has the texts of tokens that are decoded alone, for callers with many sequences.
    """
    ids = [int(token) for token in tokens]
    if tokenizer is None:
        return [str(token) for token in ids]
    texts = known or {token: decoded_alone(tokenizer, token) for token in set(ids)}
    alone = [texts[token] for token in ids]
    if "".join(alone) == str(tokenizer.decode(ids)) and not any(UNKNOWN in text for text in alone):
        return alone
    found: list[str] = []
    shown, waiting = "", 0
    for end in range(1, len(ids) + 1):
        whole = str(tokenizer.decode(ids[:end]))
        # A character that is not complete yet may be by the next token.
        if whole.endswith(UNKNOWN) and end < len(ids):
            found.append("")
            waiting += 1
            continue
        fresh = whole[len(shown) :]
        # Bytes that no later token completes stay with the tokens that they are of.
        for place in range(end - 1 - waiting, end - 1):
            if len(fresh) > 1 and fresh.startswith(UNKNOWN):
                found[place], fresh = UNKNOWN, fresh[1:]
        found.append(fresh)
        shown, waiting = whole, 0
    return found


def decoded_alone(tokenizer: Any, token: int) -> str:
    """A token's text without its neighbours."""
    return str(token) if tokenizer is None else str(tokenizer.decode([token]))


def carried_to_text(values: Sequence[float], texts: Sequence[str]) -> list[float]:
    """Values of tokens, the largest of each character's at the token that shows it.

    Where a token has no text of its own, its value would be seen nowhere.
    """
    found = [float(value) for value in values]
    for i in range(len(found) - 1):
        if texts[i] == "":
            found[i + 1] = max(found[i + 1], found[i])
    return found
