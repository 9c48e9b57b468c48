"""Which tokens of a conversation are watched, and their activations."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.errors import AssayError
from assay.progress import Advance, progress
from assay.text.chat import TEMPLATE_ROLE, ChatTokens, tokenize_chat

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from assay.models import LanguageModel, Site
    from assay.text import Transcript

BATCH_SIZE = 16
"""Conversations run at a time."""


@dataclass(frozen=True)
class WatchedConversation:
    """A conversation as tokens, and which of them are watched."""

    id: str
    """The transcript's id."""
    tokens: tuple[int, ...]
    """Token ids, through the last watched one: what follows cannot change what is read."""
    watched: tuple[int, ...]
    """Indices into ``tokens``, ascending; at least one."""


def watched_tokens(chat: ChatTokens) -> list[int]:
    """Indices of every assistant turn's tokens, each turn with the header before it.

    The header is the template's markup between the previous message's text and the turn's. The very
    first token of a conversation is never watched: it is the attention sink, the same everywhere.
    """
    watched: list[int] = []
    header: list[int] = []
    for i, role in enumerate(chat.roles):
        if role == TEMPLATE_ROLE:
            header.append(i)
            continue
        if role == "assistant":
            watched += [*header, i]
        header = []
    return [i for i in watched if i > 0]


def tokenize_watched(
    model: LanguageModel, transcripts: Sequence[Transcript]
) -> list[WatchedConversation]:
    """The transcripts as the model reads them.

    An assistant's turn without text is watched in the markup around it, where nothing else of the
    assistant is. Raises AssayError, naming the id, for a transcript without an assistant's message
    and for one longer than the model's context.
    """
    return [_tokenize(model, transcript) for transcript in transcripts]


def _tokenize(model: LanguageModel, transcript: Transcript) -> WatchedConversation:
    if all(message.role != "assistant" for message in transcript.messages):
        raise AssayError(
            f"transcript '{transcript.id}' has no assistant message; a monitor watches what the "
            "assistant writes"
        )
    try:
        chat = tokenize_chat(model.tokenizer, transcript.messages)
    except AssayError as error:
        raise AssayError(f"transcript '{transcript.id}': {error}") from error
    watched = watched_tokens(chat)
    if not watched:
        spoken = [i for i, role in enumerate(chat.roles) if role != TEMPLATE_ROLE]
        watched = list(range(max(spoken, default=0) + 1, len(chat.tokens)))
    if not watched:
        raise AssayError(f"transcript '{transcript.id}' has no token that could be watched")
    tokens = chat.tokens[: watched[-1] + 1]
    longest = model.context_length
    if longest is not None and len(tokens) > longest:
        raise AssayError(
            f"transcript '{transcript.id}' has {len(tokens)} tokens; {model.name} reads {longest}"
        )
    return WatchedConversation(transcript.id, tokens, tuple(watched))


def capture_watched(
    model: LanguageModel,
    site: Site,
    conversations: Sequence[WatchedConversation],
    batch_size: int = BATCH_SIZE,
    *,
    what: str | None = "reading conversations",
) -> Iterator[tuple[int, Float[Tensor, "tokens d_model"]]]:
    """Yield (index, activations of the watched tokens at the site) of each conversation.

    Conversations of similar length run together, padded on the right and masked, so they come
    longest first; the pass stops at the site. ``what`` names the progress bar; None draws none.
    """
    import torch

    from assay.models import capture

    order = sorted(range(len(conversations)), key=lambda i: (-len(conversations[i].tokens), i))
    with _bar(what, len(conversations)) as advance:
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            parts = [conversations[i].tokens for i in rows]
            longest = max(map(len, parts))
            tokens = torch.tensor([[*part, *[0] * (longest - len(part))] for part in parts])
            mask = torch.tensor([[1] * len(p) + [0] * (longest - len(p)) for p in parts])
            found = capture(model, tokens, [site], attention_mask=mask)[site]
            for i, activations in zip(rows, found, strict=True):
                index = torch.tensor(conversations[i].watched, device=activations.device)
                yield i, activations[index]
            advance(len(rows))


def _bar(what: str | None, total: int) -> contextlib.AbstractContextManager[Advance]:
    if what is None:
        return contextlib.nullcontext(lambda amount: None)
    return progress(what, total, "conversations")
