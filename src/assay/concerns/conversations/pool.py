"""The benign pool as the matrix uses it: cut like the organism's replies, and halved by template."""

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

    ``name`` is the organism's, ``places`` the reply tokens before each of its payloads. A reply that
    is shorter than the place is read whole.
    """
    generator = numpy_generator(seed, f"pipeline/pool/{name}")
    drawn = list(places) or [0]
    return [
        excerpt_of(tokenizer, t, False, cut=int(generator.choice(drawn)), source="benign pool")
        for t in pool
    ]


def setting_templates(templates: Iterable[str]) -> set[str]:
    """The half of the pool's templates whose conversations set thresholds; the others are tested."""
    return set(sorted(set(templates))[0::2])


def pool_halves(
    pool: Sequence[Conversation],
) -> tuple[tuple[Conversation, ...], tuple[Conversation, ...]]:
    """The pool in two, by template: one half sets thresholds, the other is tested."""
    setting = setting_templates(c.excerpt.template for c in pool)
    first = tuple(c for c in pool if c.excerpt.template in setting)
    return first, tuple(c for c in pool if c.excerpt.template not in setting)
