"""What a model replies to prompts, batched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from assay.progress import progress
from assay.text.chat import tokenize_chat
from assay.text.transcripts import Message

if TYPE_CHECKING:
    from assay.models import LanguageModel

BATCH_SIZE = 64
"""Prompts generated at a time."""
BEGINNING = 12
"""First tokens by which conversations are sorted: enough to tell system messages apart."""


def replies_to(
    model: LanguageModel,
    conversations: Sequence[Sequence[Message]],
    max_new_tokens: int,
    what: str,
    temperature: float = 0.0,
    seed: int = 0,
) -> list[str]:
    """The model's own next turn in each conversation, in their order.

    Temperature 0 takes the likeliest token. Conversations that begin alike run together, those of
    similar length among them.
    """
    from assay.models import generate

    prompts = [
        list(tokenize_chat(model.tokenizer, messages, add_generation_prompt=True).tokens)
        for messages in conversations
    ]
    order = sorted(range(len(prompts)), key=lambda i: (prompts[i][:BEGINNING], len(prompts[i]), i))
    replies = [""] * len(prompts)
    with progress(what, len(prompts), "prompts") as advance:
        for start in range(0, len(order), BATCH_SIZE):
            rows = order[start : start + BATCH_SIZE]
            written = generate(
                model,
                [prompts[i] for i in rows],
                max_new_tokens=max_new_tokens,
                temperature=temperature,
                seed=seed,
                batch_size=BATCH_SIZE,
            )
            for i, tokens in zip(rows, written, strict=True):
                replies[i] = model.tokenizer.decode(tokens, skip_special_tokens=True)
            advance(len(rows))
    return replies
