"""A conversation as tokens, each with the role that wrote it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assay.errors import AssayError
from assay.text.transcripts import Message

TEMPLATE_ROLE = "template"
"""Role of the tokens that the chat template itself writes between messages."""


@dataclass(frozen=True)
class ChatTokens:
    """Token ids of a rendered conversation and who wrote each of them."""

    tokens: tuple[int, ...]
    """Token ids, the chat template's own included."""
    roles: tuple[str, ...]
    """For each token: system, user, assistant, or ``template`` for the markup between messages."""
    spans: tuple[tuple[int, int], ...]
    """For each token: the characters of ``text`` that it covers."""
    text: str
    """The rendered conversation."""


def tokenize_chat(
    tokenizer: Any, messages: Sequence[Message], *, add_generation_prompt: bool = False
) -> ChatTokens:
    """Render messages with the tokenizer's chat template and give each token its role.

    A token that crosses the edge of a message belongs to the message. Raises AssayError where the
    tokenizer has no chat template, and where the template refuses the conversation (as some do a
    system message, or a first turn of the assistant) or rewrites a message's text.
    """
    if not getattr(tokenizer, "chat_template", None):
        raise AssayError("this model's tokenizer has no chat template; use a chat model")
    text, regions = _render(tokenizer, messages, add_generation_prompt)
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    spans = tuple((int(low), int(high)) for low, high in encoded["offset_mapping"])
    return ChatTokens(
        tuple(encoded["input_ids"]), tuple(_role(span, regions) for span in spans), spans, text
    )


def _role(span: tuple[int, int], regions: list[tuple[int, int, str]]) -> str:
    for start, end, role in regions:
        if span[0] < end and span[1] > start:
            return role
    return TEMPLATE_ROLE


def _render(
    tokenizer: Any, messages: Sequence[Message], add_generation_prompt: bool
) -> tuple[str, list[tuple[int, int, str]]]:
    """The rendered text and each message's characters in it.

    Messages are located by rendering placeholders, because their text may also occur in the markup.
    """

    def apply(contents: list[str]) -> str:
        turns = [
            {"role": message.role, "content": content}
            for message, content in zip(messages, contents, strict=True)
        ]
        try:
            return str(
                tokenizer.apply_chat_template(
                    turns, tokenize=False, add_generation_prompt=add_generation_prompt
                )
            )
        # A template raises whatever its makers like, and transformers refuses an empty conversation.
        except Exception as error:
            why = " ".join(str(error).split()) or type(error).__name__
            raise AssayError(
                f"this model's chat template refuses the conversation: {why}"
            ) from error

    contents = [message.content for message in messages]
    rendered = apply(contents)
    placeholders = [f"\u241fmessage{i}\u241f" for i in range(len(messages))]
    remaining = apply(placeholders)
    markup = []
    for placeholder in placeholders:
        before, found, remaining = remaining.partition(placeholder)
        if not found:
            raise AssayError("this model's chat template drops a message of the conversation")
        markup.append(before)
    for candidate in (contents, [content.strip() for content in contents]):
        text = ""
        regions: list[tuple[int, int, str]] = []
        for before, content, message in zip(markup, candidate, messages, strict=True):
            text += before + content
            regions.append((len(text) - len(content), len(text), message.role))
        if text + remaining == rendered:
            return rendered, regions
    raise AssayError("this model's chat template rewrites a message's text; its roles are unknown")
