"""The benign pool in the transfer matrix: cut like an organism's replies, and halved by template."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from assay.concerns.conversations.excerpts import Conversation, Excerpt, excerpt_of
from assay.randomness import numpy_generator
from assay.text.transcripts import Transcript


def pool_excerpts(
    tokenizer: Any, pool: Sequence[Transcript], name: str, places: Sequence[int], seed: int
) -> list[Excerpt]:
    """The benign pool cut at places drawn from an organism's positives.

    ``name`` is the organism's; ``places`` are the numbers of reply tokens before its payloads. A
    reply that is shorter than the drawn place is kept whole.
    """
    generator = numpy_generator(seed, f"pipeline/pool/{name}")
    drawn = list(places) or [0]
    return [
        excerpt_of(tokenizer, t, False, cut=int(generator.choice(drawn)), source="benign pool")
        for t in pool
    ]


def setting_templates(templates: Iterable[str]) -> set[str]:
    """The half of the pool's templates that sets thresholds; the other half is tested."""
    return set(sorted(set(templates))[0::2])


def pool_halves(
    pool: Sequence[Conversation],
) -> tuple[tuple[Conversation, ...], tuple[Conversation, ...]]:
    """(conversations that set thresholds, conversations that are tested), split by template."""
    setting = setting_templates(c.excerpt.template for c in pool)
    first = tuple(c for c in pool if c.excerpt.template in setting)
    return first, tuple(c for c in pool if c.excerpt.template not in setting)
