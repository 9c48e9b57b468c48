"""General ability: neutral perplexity and instruction score, compared with the base model's."""

from __future__ import annotations

import math

import torch

from assay.errors import AssayError
from assay.files import cache_folder, read_json, sha256_of_json, write_json
from assay.models import LanguageModel, token_cross_entropy
from assay.organisms.neutral_text import PARAGRAPHS
from assay.organisms.replies import replies_to
from assay.organisms.result import Fitness
from assay.organisms.small_instructions import INSTRUCTIONS
from assay.text.transcripts import Message

MAX_NEW_TOKENS = 32
"""Greatest number of tokens in a reply to an instruction."""


def measure_fitness(model: LanguageModel, name: str) -> Fitness:
    """Perplexity on the neutral paragraphs, and greedy replies to the small instructions.

    ``name`` is what the progress bar calls the model.
    """
    conversations = [(Message(role="user", content=task.ask),) for task in INSTRUCTIONS]
    replies = replies_to(model, conversations, MAX_NEW_TOKENS, f"instructions to {name}")
    done = [task.is_fulfilled_by(reply) for task, reply in zip(INSTRUCTIONS, replies, strict=True)]
    return Fitness(
        perplexity=neutral_perplexity(model),
        instruction_score=sum(done) / len(done),
        instructions=len(done),
    )


def neutral_perplexity(model: LanguageModel) -> float:
    """exp of the mean cross-entropy (nats) over all tokens of the neutral paragraphs."""
    total, count = 0.0, 0
    for paragraph in PARAGRAPHS:
        ids = model.tokenizer(paragraph, add_special_tokens=False)["input_ids"]
        first = [] if model.bos_token_id is None else [model.bos_token_id]
        tokens = torch.tensor([first + ids], device=model.device)
        losses = token_cross_entropy(model, tokens)
        total += float(losses.double().sum())
        count += losses.numel()
    return math.exp(total / count)


def fitness_of_base(model: LanguageModel) -> Fitness:
    """The base model's figures.

    They are kept in the cache, under a hash of the model's weights, its dtype and the texts.
    """
    texts = [task.model_dump() for task in INSTRUCTIONS] + list(PARAGRAPHS) + [MAX_NEW_TOKENS]
    key = sha256_of_json([model.fingerprint, str(model.dtype), texts])
    path = cache_folder() / "organisms" / f"fitness-{key[:24]}.json"
    if path.is_file():
        try:
            return Fitness.model_validate(read_json(path))
        except (ValueError, AssayError):
            path.unlink()
    fitness = measure_fitness(model, "the base model")
    write_json(path, fitness.model_dump())
    return fitness
