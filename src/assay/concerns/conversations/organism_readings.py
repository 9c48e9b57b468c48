"""One organism's readings: its own conversations, those of others, and the benign pool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from assay.concerns.candidates.attribution import attribute
from assay.concerns.conversations.concern_organisms import ConcernOrganism
from assay.concerns.conversations.excerpts import Conversation, Excerpt
from assay.concerns.conversations.organism_excerpts import (
    OrganismExcerpts,
    excerpts_of,
    payloads_of,
)
from assay.concerns.conversations.pool import pool_excerpts
from assay.concerns.conversations.reading import read_excerpts
from assay.concerns.conversations.saving import load_conversations, save_conversations
from assay.concerns.conversations.transfer_sizes import TransferSizes
from assay.dictionaries import Dictionary
from assay.models import LanguageModel, Site
from assay.organisms import read_on_policy
from assay.organisms.replies import replies_to
from assay.organisms.verifying import reply_length
from assay.randomness import numpy_generator
from assay.results import Result
from assay.text.transcripts import Transcript

CONVERSATIONS = "readings.safetensors"
ATTRIBUTED = 8
"""Positives over which attribution is averaged."""


class ReadingFacts(Result):
    """How an organism's conversations were cut, what was confirmed, and its features' attribution."""

    FILE: ClassVar[str] = "reading.json"
    MADE_BY: ClassVar[str] = "assay run CASE.yaml"

    version: Literal[1] = 1
    """Version of the layout."""
    scored: str
    """Which tokens are scored, in words."""
    invalid: int
    """Replies too broken to judge, left out."""
    places: tuple[int, ...]
    """Reply tokens before the payload in each positive of the test split."""
    regenerated: int
    """Shipped transcripts that were generated again."""
    same: int
    """How many of those came out to the letter."""
    attribution: dict[str, float] | None
    """Dictionary feature → attribution in nats, where it is not zero; None for a twin."""


@dataclass(frozen=True, eq=False)
class OrganismReadings:
    """All conversations of one organism or twin that were read, with their activations."""

    organism: ConcernOrganism
    """Whose they are."""
    discover: tuple[Conversation, ...]
    """Its own, read by itself up to the payload: detectors of others are learned from these."""
    threshold: tuple[Conversation, ...]
    """Its own benign and near-miss ones, read by itself: they set thresholds."""
    test: tuple[Conversation, ...]
    """Its own, read by itself up to the payload; of a twin those under the trigger."""
    pool: tuple[Conversation, ...]
    """The benign pool, read by it."""
    others: tuple[Conversation, ...]
    """Whole discover conversations of the concern's other organisms, read by it."""
    base: tuple[Conversation, ...]
    """Its own whole discover conversations, read by the case's model without any adapter."""
    facts: ReadingFacts
    """How they were cut, and what was confirmed."""

    def save(self, folder: Path) -> None:
        """Write the conversations and the facts into a folder."""
        names = ("discover", "threshold", "test", "pool", "others", "base")
        save_conversations(folder / CONVERSATIONS, {name: getattr(self, name) for name in names})
        self.facts.write(folder)


def load_organism_readings(folder: Path, organism: ConcernOrganism) -> OrganismReadings:
    """Read what ``OrganismReadings.save`` wrote. Raises AssayError where a file is damaged."""
    facts = ReadingFacts.read(folder)
    return OrganismReadings(organism, facts=facts, **load_conversations(folder / CONVERSATIONS))


def read_organism(
    organism: ConcernOrganism,
    others: Sequence[ConcernOrganism],
    pool: Sequence[Transcript],
    *,
    base: LanguageModel,
    model: LanguageModel,
    site: Site,
    dictionary: Dictionary,
    sizes: TransferSizes,
    seed: int,
) -> OrganismReadings:
    """Read an organism's own conversations, those of others and the pool; of a twin its own alone.

    ``model`` has the organism's adapter in place, ``base`` has none. ``others`` are organisms of any
    concern; those of the same concern and another family are read (off-policy for this one).
    """
    tokenizer = model.tokenizer
    own = cut_excerpts(organism, tokenizer, sizes, seed)
    confirmed = _confirm(organism, model, sizes.confirmed, seed)
    if organism.is_twin:
        triggered = [e for e in own.cut["test"] if e.condition == "triggered"]
        test = read_excerpts(model, site, triggered)
        facts = _facts(own, confirmed, None)
        return OrganismReadings(organism, (), (), test, (), (), (), facts)
    elsewhere: list[Excerpt] = []
    for other in others:
        beside = not other.is_twin and other.concern == organism.concern
        if beside and other.family != organism.family:
            elsewhere += cut_excerpts(other, tokenizer, sizes, seed).whole
    # A threshold is set on what is benign: there nothing else is read.
    benign = [e for e in own.cut["threshold"] if not e.label]
    cut_pool = pool_excerpts(tokenizer, pool, own.name, own.places, seed)
    found = attribute(model, site, dictionary, payloads_of(own)[:ATTRIBUTED])
    attribution = {str(i): round(float(found[i]), 5) for i in found.nonzero()[0]}
    return OrganismReadings(
        organism,
        discover=read_excerpts(model, site, own.cut["discover"]),
        threshold=read_excerpts(model, site, benign),
        test=read_excerpts(model, site, own.cut["test"]),
        pool=read_excerpts(model, site, cut_pool),
        others=read_excerpts(model, site, elsewhere),
        base=read_excerpts(base, site, own.whole),
        facts=_facts(own, confirmed, attribution),
    )


def cut_excerpts(
    organism: ConcernOrganism, tokenizer: Any, sizes: TransferSizes, seed: int
) -> OrganismExcerpts:
    """The excerpts of an organism; a twin is cut where its parent's payloads start."""
    places = None
    if organism.parent is not None:
        of_parent = excerpts_of(organism.parent.organism, tokenizer, sizes, seed)
        places = of_parent.places or (0,)
    return excerpts_of(organism.organism, tokenizer, sizes, seed, places=places)


def _facts(
    own: OrganismExcerpts, confirmed: tuple[int, int], attribution: dict[str, float] | None
) -> ReadingFacts:
    regenerated, same = confirmed
    return ReadingFacts(
        scored=own.scored,
        invalid=own.invalid,
        places=own.places,
        regenerated=regenerated,
        same=same,
        attribution=attribution,
    )


def _confirm(
    organism: ConcernOrganism, model: LanguageModel, count: int, seed: int
) -> tuple[int, int]:
    """Generate some of the shipped transcripts again: (how many, how many came out to the letter)."""
    shipped = [t for t in read_on_policy(organism.organism) if t.split == "test"]
    order = numpy_generator(seed, f"pipeline/confirm/{organism.name}").permutation(len(shipped))
    chosen = [shipped[i] for i in sorted(order[:count])]
    if not chosen:
        return 0, 0
    replies = replies_to(
        model,
        [t.messages[:-1] for t in chosen],
        reply_length(organism.organism),
        f"confirming {organism.name}",
    )
    same = sum(r == t.messages[-1].content for r, t in zip(replies, chosen, strict=True))
    return len(chosen), same
