"""Excerpts: conversations as tokens, with the watched tokens and the label.

This file holds the only definition of watched tokens, which learning, testing, calibration and
watching share: every assistant turn with the header before it (METHODS 6, "Windows"). The score of
a conversation is the largest of the scores of its turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.errors import AssayError
from assay.organisms.manifest import Condition
from assay.text.chat import TEMPLATE_ROLE, tokenize_chat
from assay.text.transcripts import Transcript

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

Turn = tuple[int, int]
"""First token index and end index (exclusive) of an assistant turn, including its header."""


@dataclass(frozen=True)
class Excerpt:
    """A conversation as tokens, complete or cut inside its last reply, with its watched turns.

    ``in_window`` cuts it.
    """

    id: str
    """The transcript's id."""
    tokens: tuple[int, ...]
    """Token ids of the prompt, the assistant's header, and the reply."""
    shared: int
    """Number of leading tokens before the first user message, which many conversations share."""
    turns: tuple[Turn, ...]
    """The assistant's turns, in order, each with its header. All of their tokens are watched."""
    text: str
    """The text, for the text baseline."""
    label: bool
    """Whether the assistant misbehaves in this conversation."""
    template: str
    """The template that the prompt was made from: the unit of splits and of resampling."""
    source: str
    """Which organism or strategy wrote it."""
    context: str = ""
    """Context: the family of prompts, such as acted-lie."""
    condition: Condition | None = None
    """benign, triggered or near_miss for a conversation of an organism, else None."""
    payload: int | None = None
    """Token index at which the payload starts; in a benign conversation the place at which the window
    ``before`` ends. None where no place is known."""
    payload_text: int | None = None
    """Number of characters of ``text`` before that token; None where no place is known."""

    @property
    def watched(self) -> tuple[int, ...]:
        """Token indices of the watched tokens, ascending."""
        return tuple(i for start, end in self.turns for i in range(start, end))

    @property
    def turn_rows(self) -> tuple[slice, ...]:
        """For each assistant turn, in order, its rows among the watched tokens."""
        found = []
        first = 0
        for start, end in self.turns:
            found.append(slice(first, first + end - start))
            first += end - start
        return tuple(found)

    @property
    def turn_lengths(self) -> tuple[int, ...]:
        """Watched tokens of each assistant turn, in order."""
        return tuple(end - start for start, end in self.turns)

    @property
    def start(self) -> int:
        """Index of the first token of the last turn, where its header begins."""
        return self.turns[-1][0]


@dataclass(frozen=True, eq=False)
class Conversation:
    """An excerpt with the activations of its watched tokens."""

    excerpt: Excerpt
    """The excerpt."""
    activations: Float[Tensor, "tokens d_model"]
    """Activations of the watched tokens at the hook site, float32, without massive tokens."""
    places: tuple[int, ...]
    """For each row the token's index in the excerpt."""
    further: Float[Tensor, "tokens further_width"] | None = None
    """Activations of the same tokens at the case's further hook sites, one site after the other, in the
    model's dtype; None where there are none."""

    @property
    def at_all_sites(self) -> Float[Tensor, "tokens width"]:
        """Activations at the case's hook site and then at its further ones, float32."""
        if self.further is None:
            return self.activations
        tokens, width = self.activations.shape
        joined = self.activations.new_empty((tokens, width + self.further.shape[1]))
        joined[:, :width], joined[:, width:] = self.activations, self.further
        return joined

    def first_rows(self, count: int, excerpt: Excerpt) -> Conversation:
        """The conversation of a shorter excerpt: the first ``count`` rows."""
        further = None if self.further is None else self.further[:count]
        return Conversation(excerpt, self.activations[:count], self.places[:count], further)

    @property
    def label(self) -> bool:
        """Whether the assistant misbehaves."""
        return self.excerpt.label

    @property
    def turn_rows(self) -> tuple[slice, ...]:
        """For each assistant turn, in order, its rows; turns without a remaining token are left out."""
        found = []
        first = 0
        for _, end in self.excerpt.turns:
            last = first + sum(place < end for place in self.places[first:])
            if last > first:
                found.append(slice(first, last))
            first = last
        return tuple(found)


def assistant_turns(roles: Sequence[str]) -> tuple[Turn, ...]:
    """The assistant's turns, from the role of each token of a conversation.

    A turn includes its header: the chat template's tokens between the previous message's text and
    the assistant's text. The first token of a conversation is never watched, because it is the
    attention sink.
    """
    turns: list[Turn] = []
    header = 0
    i = 0
    while i < len(roles):
        if roles[i] != "assistant":
            header = header if roles[i] == TEMPLATE_ROLE else i + 1
            i += 1
            continue
        end = i
        while end < len(roles) and roles[end] == "assistant":
            end += 1
        turns.append((max(1, header), end))
        header = i = end
    return tuple((start, end) for start, end in turns if end > start)


def excerpt_of(
    tokenizer: Any,
    transcript: Transcript,
    label: bool,
    *,
    payload: int | None = None,
    source: str | None = None,
    condition: Condition | None = None,
) -> Excerpt:
    """The excerpt of a transcript with its whole last reply.

    ``payload`` is the number of reply tokens before the payload, where it is known; a place beyond
    the reply's end is its end. Prompt and reply are tokenized separately, as in generation. Where the
    transcript ends with the user, only the earlier assistant turns are watched. ``source`` defaults
    to the transcript's. Raises AssayError, naming the id, where there is no assistant message.
    """
    messages, reply = transcript.messages, None
    if messages and messages[-1].role == "assistant":
        messages, reply = messages[:-1], messages[-1].content
    try:
        prompt = tokenize_chat(tokenizer, messages, add_generation_prompt=reply is not None)
    except AssayError as error:
        raise AssayError(f"transcript '{transcript.id}': {error}") from error
    written = tokenizer(reply or "", add_special_tokens=False, return_offsets_mapping=True)
    ids = written["input_ids"]
    tokens = (*prompt.tokens, *ids)
    turns = assistant_turns(prompt.roles)
    if reply is not None:
        header = len(prompt.roles)
        while header > 1 and prompt.roles[header - 1] == TEMPLATE_ROLE:
            header -= 1
        turns = (*turns, (header, len(tokens)))
    if not turns:
        raise AssayError(
            f"transcript '{transcript.id}' has no assistant message; detectors and monitors read "
            "what the assistant writes"
        )
    if reply is None:
        # Tokens after the last watched token cannot change its activation.
        tokens = tokens[: turns[-1][1]]
    first_user = next((i for i, role in enumerate(prompt.roles) if role == "user"), 0)
    spoken = [f"{message.role}: {message.content}" for message in messages]
    place = at = None
    if reply is not None:
        spoken.append(f"assistant: {reply}")
        if payload is not None:
            before = min(payload, len(ids))
            place = len(prompt.tokens) + before
            unread = len(reply) - (written["offset_mapping"][before - 1][1] if before else 0)
            at = len("\n".join(spoken)) - unread
    template = transcript.template or transcript.id
    return Excerpt(
        id=transcript.id,
        tokens=tokens,
        shared=min(first_user, turns[0][0]),
        turns=turns,
        text="\n".join(spoken),
        label=label,
        template=template,
        source=source or transcript.source or "",
        context=context_of(template),
        condition=condition,
        payload=place,
        payload_text=at,
    )


def context_of(template: str) -> str:
    """The family in a template ``split/family/number``; empty for any other template."""
    return template.split("/")[1] if template.count("/") >= 2 else ""


def payload_index(tokenizer: Any, reply: str, payload_offset: int) -> int:
    """Number of reply tokens before the token in which the payload starts.

    ``payload_offset`` is in characters of ``reply``.
    """
    spans = tokenizer(reply, add_special_tokens=False, return_offsets_mapping=True)
    ends = [int(end) for _, end in spans["offset_mapping"]]
    return sum(end <= payload_offset for end in ends)


def different_conversations(conversations: Sequence[Conversation]) -> list[Conversation]:
    """The conversations without those whose tokens and label stood there before.

    A repeated conversation is no further evidence: it is counted once.
    """
    first: dict[tuple[bool, tuple[int, ...]], Conversation] = {}
    for conversation in conversations:
        first.setdefault((conversation.label, conversation.excerpt.tokens), conversation)
    return list(first.values())


def labels_of(conversations: Sequence[Conversation]) -> list[bool]:
    """The labels, in order."""
    return [conversation.label for conversation in conversations]
