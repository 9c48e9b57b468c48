"""Replies of a catalogue model to benign conversations, shipped so that they need no generation.

They are bound to the model by its fingerprint and to each conversation by its id and the hash of its
messages; whoever uses them generates a sample again, to confirm them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from pydantic import Field

from assay.files import sha256_of_json
from assay.results import Figures
from assay.text.transcripts import Message, Transcript

FOLDER = "shipped_replies"
"""Folder of the JSON files, one a model, inside this package."""


class ShippedReply(Figures):
    """One reply."""

    messages_sha256: str
    """First 16 hex digits of the hash of the messages that it answers."""
    max_new_tokens: int = Field(ge=1)
    """Greatest length that it was allowed, in tokens."""
    reply: str
    """The reply, greedy."""


class ShippedReplies(Figures):
    """The replies of one model."""

    model: str
    """The model's name."""
    fingerprint: str
    """Hash of its weights."""
    replies: dict[str, ShippedReply]
    """Conversation id → reply."""


def messages_sha256(messages: Sequence[Message]) -> str:
    """The hash by which a reply is bound to what it answers."""
    return sha256_of_json([message.model_dump() for message in messages])[:16]


def known_replies(
    conversations: Sequence[Transcript], fingerprint: str, max_new_tokens: int
) -> dict[str, str]:
    """Id → reply of those conversations to which this model's reply of this length is shipped."""
    known = _every_file().get(fingerprint)
    if known is None:
        return {}
    found = {}
    for conversation in conversations:
        shipped = known.replies.get(conversation.id)
        if (
            shipped is not None
            and shipped.max_new_tokens == max_new_tokens
            and shipped.messages_sha256 == messages_sha256(conversation.messages)
        ):
            found[conversation.id] = shipped.reply
    return found


@cache
def _every_file() -> dict[str, ShippedReplies]:
    """Fingerprint → replies, of every file in the package."""
    found = {}
    folder = files("assay.organisms") / FOLDER
    for path in sorted(folder.iterdir(), key=lambda each: each.name):
        if path.name.endswith(".json"):
            read = ShippedReplies.model_validate_json(path.read_text(encoding="utf-8"))
            found[read.fingerprint] = read
    return found
