"""Conversations as detectors see them: the watched tokens' activations, the text, and the label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.organisms import OrganismTranscript
from assay.text.chat import TEMPLATE_ROLE, tokenize_chat
from assay.text.transcripts import Transcript

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


@dataclass(frozen=True)
class Excerpt:
    """A conversation cut where a detector must have made up its mind."""

    id: str
    """The transcript's id."""
    tokens: tuple[int, ...]
    """The prompt with the assistant's header, and the reply up to the cut."""
    shared: int
    """Leading tokens before the first user's word: many conversations have them in common."""
    start: int
    """First watched token: the assistant's header begins here."""
    text: str
    """What a monitor of text may read: the conversation up to the cut."""
    label: bool
    """Whether the assistant misbehaves in this conversation."""
    template: str
    """The template it was made from: the unit of splits and of resampling."""
    source: str
    """Which organism or strategy wrote it."""
    context: str = ""
    """Family of prompts, such as acted-lie, for frequencies per context."""
    condition: str = ""
    """benign, triggered or near_miss, where an organism's prompts say so."""


@dataclass(frozen=True, eq=False)
class Conversation:
    """An excerpt with the activations of its watched tokens."""

    excerpt: Excerpt
    """What was read."""
    activations: Float[Tensor, "tokens d_model"]
    """float32, the watched tokens at the site; massive tokens left out."""
    places: tuple[int, ...]
    """For each row its place in the excerpt's tokens."""

    @property
    def label(self) -> bool:
        """Whether the assistant misbehaves."""
        return self.excerpt.label


def excerpt_of(
    tokenizer: Any,
    transcript: Transcript,
    label: bool,
    *,
    cut: int | None = None,
    source: str | None = None,
) -> Excerpt:
    """A transcript whose last message is the assistant's, read up to ``cut`` tokens of the reply.

    None reads the whole reply; 0 the prompt and the assistant's header alone. Prompt and reply
    are tokenized apart, as when the reply was written. A transcript that ends with the user is
    read through the header.
    """
    messages, reply = transcript.messages, ""
    if messages[-1].role == "assistant":
        messages, reply = messages[:-1], messages[-1].content
    prompt = tokenize_chat(tokenizer, messages, add_generation_prompt=True)
    written = tokenizer(reply, add_special_tokens=False, return_offsets_mapping=True)
    ids = written["input_ids"] if cut is None else written["input_ids"][:cut]
    end = written["offset_mapping"][len(ids) - 1][1] if ids else 0
    start = len(prompt.roles)
    while start > 0 and prompt.roles[start - 1] == TEMPLATE_ROLE:
        start -= 1
    shared = next((i for i, role in enumerate(prompt.roles) if role == "user"), 0)
    spoken = [f"{message.role}: {message.content}" for message in messages]
    template = transcript.template or transcript.id
    return Excerpt(
        id=transcript.id,
        tokens=(*prompt.tokens, *ids),
        shared=min(shared, start),
        start=start,
        text="\n".join([*spoken, f"assistant: {reply[:end]}"]),
        label=label,
        template=template,
        source=source or transcript.source or "",
        context=context_of(template),
        condition=transcript.condition if isinstance(transcript, OrganismTranscript) else "",
    )


def context_of(template: str) -> str:
    """The family of prompts that a template ``split/family/number`` belongs to, or nothing."""
    return template.split("/")[1] if template.count("/") >= 2 else ""


def payload_index(tokenizer: Any, reply: str, payload_offset: int) -> int:
    """How many of the reply's tokens lie before the one in which the payload starts."""
    spans = tokenizer(reply, add_special_tokens=False, return_offsets_mapping=True)
    ends = [int(end) for _, end in spans["offset_mapping"]]
    return sum(end <= payload_offset for end in ends)


def labels_of(conversations: Sequence[Conversation]) -> list[bool]:
    """The labels, in order."""
    return [conversation.label for conversation in conversations]
