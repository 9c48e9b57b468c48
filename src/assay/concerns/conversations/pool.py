"""The benign pool in the transfer matrix: divided by template, its places drawn from an organism's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, get_args

from assay.concerns.conversations.excerpts import Conversation, Excerpt, excerpt_of
from assay.randomness import numpy_generator
from assay.text.transcripts import Transcript


def pool_excerpts(
    tokenizer: Any, pool: Sequence[Transcript], name: str, places: Sequence[int], seed: int
) -> list[Excerpt]:
    """The benign pool, with places drawn from an organism's positives at which ``before`` ends.

    ``name`` is the organism's; ``places`` are the numbers of reply tokens before its payloads. In a
    reply that is shorter than the drawn place, ``before`` is the whole reply.
    """
    generator = numpy_generator(seed, f"pipeline/pool/{name}")
    drawn = list(places) or [0]
    return [
        excerpt_of(tokenizer, t, False, payload=int(generator.choice(drawn)), source=POOL)
        for t in pool
    ]


POOL = "benign pool"
"""Source of the pool's conversations."""
PoolPart = Literal["learning", "threshold", "test"]
PARTS: tuple[PoolPart, ...] = get_args(PoolPart)
"""What the conversations of the pool serve for: as negatives, for thresholds, and for tests."""


def templates_of_part(templates: Iterable[str], part: PoolPart) -> set[str]:
    """A third of the pool's templates: detectors learn from one, another sets thresholds, the last is
    tested."""
    return set(sorted(set(templates))[PARTS.index(part) :: len(PARTS)])


def pool_part(pool: Sequence[Conversation], part: PoolPart) -> tuple[Conversation, ...]:
    """The conversations of one part of the pool; no template stands in two of them."""
    chosen = templates_of_part((c.excerpt.template for c in pool), part)
    return tuple(c for c in pool if c.excerpt.template in chosen)


def read_by_other(
    own: Sequence[Conversation], read: Sequence[Conversation]
) -> tuple[Conversation, ...]:
    """An organism's pool as another model read it, in the same order.

    The excerpts are the organism's (places of payloads, the window), the activations the other's.
    Raises ValueError where the two are not the same conversations.
    """
    found = []
    for mine, other in zip(own, read, strict=True):
        rows = sum(place < len(mine.excerpt.tokens) for place in other.places)
        found.append(other.first_rows(rows, mine.excerpt))
    return tuple(found)
