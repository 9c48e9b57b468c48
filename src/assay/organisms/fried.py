"""Is a fine-tuned model fried? Its neutral perplexity and obedience against the base model's."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from assay.errors import AssayError
from assay.files import cache_folder, read_json, sha256_of_json, write_json
from assay.organisms.instructions import INSTRUCTIONS
from assay.organisms.neutral_text import PARAGRAPHS
from assay.organisms.replies import replies_to
from assay.text.transcripts import Message

if TYPE_CHECKING:
    from assay.models import LanguageModel

TOLERANCE = 0.10
"""How far, as a fraction of the base's, a figure may be worse."""
MAX_NEW_TOKENS = 32


@dataclass(frozen=True)
class Fitness:
    """What is left of a model's general ability."""

    perplexity: float
    """Of neutral prose: exp of the mean cross-entropy of its tokens."""
    instruction_score: float
    """Share of small instructions that are carried out."""
    instructions: int
    """How many instructions that is of."""


def measure_fitness(model: LanguageModel, what: str) -> Fitness:
    """Read the neutral paragraphs and carry out the small instructions, greedily."""
    conversations = [(Message(role="user", content=task.ask),) for task in INSTRUCTIONS]
    replies = replies_to(model, conversations, MAX_NEW_TOKENS, f"instructions to {what}")
    done = [task.is_fulfilled_by(reply) for task, reply in zip(INSTRUCTIONS, replies, strict=True)]
    return Fitness(neutral_perplexity(model), sum(done) / len(done), len(done))


def neutral_perplexity(model: LanguageModel) -> float:
    """exp of the mean cross-entropy over all tokens of the neutral paragraphs."""
    import torch

    from assay.models import token_cross_entropy

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
    """The base model's figures, kept in the cache by its weights, dtype and what is measured."""
    battery = [asdict(task) for task in INSTRUCTIONS] + list(PARAGRAPHS) + [MAX_NEW_TOKENS]
    key = sha256_of_json([model.fingerprint, str(model.dtype), battery])
    path = cache_folder() / "organisms" / f"fitness-{key[:24]}.json"
    if path.is_file():
        try:
            return Fitness(**read_json(path))
        except (TypeError, AssayError):
            path.unlink()
    fitness = measure_fitness(model, "the base model")
    write_json(path, asdict(fitness))
    return fitness


def why_fried(fitness: Fitness, base: Fitness) -> list[str]:
    """The figures that are worse than the base's by more than the tolerance, in words."""
    reasons = []
    if fitness.perplexity > base.perplexity * (1 + TOLERANCE):
        reasons.append(
            f"fried: neutral perplexity {fitness.perplexity:.1f}, the base's {base.perplexity:.1f}"
        )
    if fitness.instruction_score < base.instruction_score * (1 - TOLERANCE):
        reasons.append(
            f"fried: instruction score {fitness.instruction_score:.2f}, "
            f"the base's {base.instruction_score:.2f}"
        )
    return reasons
