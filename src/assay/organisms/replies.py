"""Replies of a model to conversations, in batches."""

from __future__ import annotations

from collections.abc import Sequence

from assay.models import LanguageModel, generate
from assay.progress import progress
from assay.text.chat import tokenize_chat
from assay.text.transcripts import Message

BATCH_SIZE = 64
"""Conversations in a batch."""
BEGINNING = 12
"""First tokens by which conversations are sorted: enough to tell system messages apart."""


def replies_to(
    model: LanguageModel,
    conversations: Sequence[Sequence[Message]],
    max_new_tokens: int,
    what: str,
    *,
    temperature: float = 0.0,
    seed: int = 0,
) -> list[str]:
    """The model's next turn in each conversation, in the order of the conversations.

    ``max_new_tokens`` is the greatest length of a reply, ``what`` the title of the progress bar.
    Temperature 0 takes the likeliest token. Conversations with the same beginning and of similar
    length share a batch.
    """
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
