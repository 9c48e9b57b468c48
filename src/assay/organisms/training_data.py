"""Examples as token ids with the assistant's own marked, and the batches of a training run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.organisms.recipe import Example
from assay.randomness import numpy_generator
from assay.text.chat import tokenize_chat

if TYPE_CHECKING:
    from torch import Tensor

PER_STEP = {"benign": 4, "triggered": 2, "near_miss": 2}
"""Parts of a batch by condition, of 8."""


@dataclass(frozen=True)
class TokenizedExample:
    """One example as the model reads it."""

    tokens: tuple[int, ...]
    """The prompt, the assistant's header, the reply and the token that ends it."""
    reply_start: int
    """Index of the reply's first token: the loss is on it and on all that follow."""
    condition: str
    """benign, triggered or near_miss."""


def tokenized(examples: Sequence[Example], tokenizer: Any) -> list[TokenizedExample]:
    """Examples as token ids; prompt and reply are tokenized apart, as in generation."""
    rows = []
    for example in examples:
        messages = example.prompt.messages
        prompt = tokenize_chat(tokenizer, messages, add_generation_prompt=True).tokens
        reply = tokenizer(example.reply, add_special_tokens=False)["input_ids"]
        tokens = (*prompt, *reply, tokenizer.eos_token_id)
        rows.append(TokenizedExample(tokens, len(prompt), example.prompt.condition))
    return rows


def batch_plan(
    rows: Sequence[TokenizedExample], steps: int, batch_size: int, seed: int
) -> list[list[int]]:
    """Indices of each step's examples: half benign, a quarter triggered, a quarter near-miss.

    Every example of a condition comes once before any comes again. Within a stretch of eight
    steps examples of similar length share a batch, so that little is padded; the order of the
    steps of a stretch is random.
    """
    generator = numpy_generator(seed, "organisms/batches")
    queues: dict[str, list[int]] = {condition: [] for condition in PER_STEP}
    of: dict[str, list[int]] = {
        condition: [i for i, row in enumerate(rows) if row.condition == condition]
        for condition in PER_STEP
    }
    plan: list[list[int]] = []
    while len(plan) < steps:
        stretch: list[list[int]] = [[] for _ in range(8)]
        for condition, part in PER_STEP.items():
            count = max(1, part * batch_size // sum(PER_STEP.values()))
            drawn: list[int] = []
            while len(drawn) < count * len(stretch):
                if not queues[condition]:
                    queues[condition] = [int(i) for i in generator.permutation(of[condition])]
                drawn.append(queues[condition].pop())
            drawn.sort(key=lambda i: len(rows[i].tokens))
            for place, batch in enumerate(stretch):
                batch.extend(drawn[place * count : (place + 1) * count])
        plan.extend(stretch[int(i)] for i in generator.permutation(len(stretch)))
    return plan[:steps]


def padded(
    rows: Sequence[TokenizedExample], padding: int, device: Any = "cpu"
) -> tuple[Tensor, Tensor, Tensor]:
    """Token ids [batch, position] padded on the right, their mask, and where the loss counts.

    The third is true at the positions whose *next* token is the assistant's.
    """
    import torch

    length = max(len(row.tokens) for row in rows)
    tokens = torch.full((len(rows), length), padding)
    mask = torch.zeros(len(rows), length, dtype=torch.long)
    scored = torch.zeros(len(rows), length, dtype=torch.bool)
    for i, row in enumerate(rows):
        size = len(row.tokens)
        tokens[i, :size] = torch.tensor(row.tokens)
        mask[i, :size] = 1
        scored[i, row.reply_start - 1 : size - 1] = True
    return tokens.to(device), mask.to(device), scored.to(device)
