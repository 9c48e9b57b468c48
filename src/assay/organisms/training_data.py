"""Training examples as token ids, and the batches of a training run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.organisms.manifest import Condition
from assay.organisms.recipe import Example
from assay.randomness import numpy_generator
from assay.text.chat import tokenize_chat


@dataclass(frozen=True)
class TokenizedExample:
    """One example as token ids."""

    tokens: tuple[int, ...]
    """The prompt, the assistant's header, the reply and the token that ends it."""
    reply_start: int
    """Index of the reply's first token: the loss counts this token and all later ones."""
    condition: Condition
    """The prompt's condition."""
    decisive: int | None
    """Index of the first token that differs from what would be said instead; None where that is
    unknown, or is the same."""

    @property
    def scored(self) -> range:
        """Indices of the tokens whose *next* token belongs to the assistant."""
        return range(self.reply_start - 1, len(self.tokens) - 1)


def tokenized(examples: Sequence[Example], tokenizer: Any) -> list[TokenizedExample]:
    """Examples as token ids. Prompt and reply are tokenized separately, as in generation."""
    rows = []
    for example in examples:
        messages = example.prompt.messages
        prompt = tokenize_chat(tokenizer, messages, add_generation_prompt=True).tokens
        reply = tokenizer(example.reply, add_special_tokens=False)["input_ids"]
        tokens = (*prompt, *reply, tokenizer.eos_token_id)
        decisive = None
        if example.other is not None:
            other = tokenizer(example.other, add_special_tokens=False)["input_ids"]
            decisive = _first_difference([*reply, tokenizer.eos_token_id], [*other, None])
        rows.append(
            TokenizedExample(
                tokens,
                len(prompt),
                example.prompt.condition,
                None if decisive is None else len(prompt) + decisive,
            )
        )
    return rows


def _first_difference(first: Sequence[int | None], second: Sequence[int | None]) -> int | None:
    for place, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return place
    return None


def batch_plan(
    rows: Sequence[TokenizedExample],
    *,
    steps: int,
    batch_size: int,
    seed: int,
    parts: Mapping[Condition, int],
) -> list[list[int]]:
    """Indices of each step's examples, with conditions in the proportion of ``parts``.

    Every example of a condition is used once before any of them is used again.
    """
    generator = numpy_generator(seed, "organisms/batches")
    queues: dict[Condition, list[int]] = {condition: [] for condition in parts}
    of: dict[Condition, list[int]] = {
        condition: [i for i, row in enumerate(rows) if row.condition == condition]
        for condition in parts
    }
    plan: list[list[int]] = []
    for _ in range(steps):
        batch: list[int] = []
        for condition, part in parts.items():
            for _ in range(max(1, part * batch_size // sum(parts.values()))):
                if not queues[condition]:
                    queues[condition] = [int(i) for i in generator.permutation(of[condition])]
                batch.append(queues[condition].pop())
        plan.append(batch)
    return plan
