"""The readings of an organism: its own conversations, other organisms', and the benign pool."""

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
"""Number of positives over which attribution is averaged."""


class ReadingFacts(Result):
    """Where an organism's conversations were cut, how many were confirmed, and attribution."""

    FILE: ClassVar[str] = "reading.json"
    MADE_BY: ClassVar[str] = "assay run CASE.yaml"

    version: Literal[1] = 1
    """Version of the layout."""
    scored: str
    """Which tokens are scored, in words."""
    invalid: int
    """Number of replies that were left out because they could not be judged."""
    places: tuple[int, ...]
    """Number of reply tokens before the payload in each positive of the test split."""
    regenerated: int
    """Number of shipped transcripts that were generated again."""
    same: int
    """How many of these are identical to the shipped transcript."""
    attribution: dict[str, float] | None
    """Index of a dictionary feature → its attribution in nats, where not zero; None for a twin."""


@dataclass(frozen=True, eq=False)
class OrganismReadings:
    """The conversations that were read for an organism or twin, with their activations."""

    organism: ConcernOrganism
    """The organism or twin."""
    discover: tuple[Conversation, ...]
    """Its own conversations of the discover split up to the payload, read by the organism itself.
    Detectors that are tested on other organisms are learned from these."""
    threshold: tuple[Conversation, ...]
    """Its own benign and near-miss conversations of the threshold split, read by itself."""
    test: tuple[Conversation, ...]
    """Its own conversations of the test split up to the payload, read by itself; for a twin only the
    triggered ones."""
    pool: tuple[Conversation, ...]
    """The benign pool, read by the organism."""
    others: tuple[Conversation, ...]
    """Whole discover conversations of the concern's other organisms, read by this organism."""
    base: tuple[Conversation, ...]
    """Its own whole discover conversations, read by the case's model without any adapter."""
    whole_test: tuple[Conversation, ...]
    """Its own whole test conversations, read by itself as a monitor reads it; empty for a twin."""
    facts: ReadingFacts
    """Where they were cut, and how many were confirmed."""

    def save(self, folder: Path) -> None:
        """Write the conversations and the facts into a folder."""
        names = ("discover", "threshold", "test", "pool", "others", "base", "whole_test")
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
    """Read an organism's own conversations, those of other organisms, and the benign pool.

    Only a twin's own triggered test conversations are read. ``model`` has the organism's adapter,
    ``base`` has no adapter. Of ``others``, the organisms of the same concern and another family are
    read (off-policy for this organism). Raises AssayError where transcripts are missing or another
    adapter wrote them.
    """
    tokenizer = model.tokenizer
    excerpts = cut_excerpts(organism, tokenizer, sizes, seed)
    confirmed = _confirm(organism, model, sizes.confirmed, seed)
    if organism.is_twin:
        triggered = [e for e in excerpts.cut["test"] if e.condition == "triggered"]
        test = read_excerpts(model, site, triggered)
        facts = _facts(excerpts, confirmed, None)
        return OrganismReadings(organism, (), (), test, (), (), (), (), facts)
    elsewhere: list[Excerpt] = []
    for other in others:
        beside = not other.is_twin and other.concern == organism.concern
        if beside and other.family != organism.family:
            elsewhere += cut_excerpts(other, tokenizer, sizes, seed).whole
    # Thresholds rest on benign conversations only, so no others of this split are read.
    benign = [e for e in excerpts.cut["threshold"] if not e.label]
    cut_pool = pool_excerpts(tokenizer, pool, excerpts.name, excerpts.places, seed)
    found = attribute(model, site, dictionary, payloads_of(excerpts)[:ATTRIBUTED])
    attribution = {str(i): round(float(found[i]), 5) for i in found.nonzero()[0]}
    return OrganismReadings(
        organism,
        discover=read_excerpts(model, site, excerpts.cut["discover"]),
        threshold=read_excerpts(model, site, benign),
        test=read_excerpts(model, site, excerpts.cut["test"]),
        pool=read_excerpts(model, site, cut_pool),
        others=read_excerpts(model, site, elsewhere),
        base=read_excerpts(base, site, excerpts.whole),
        whole_test=read_excerpts(model, site, excerpts.whole_test),
        facts=_facts(excerpts, confirmed, attribution),
    )


def cut_excerpts(
    organism: ConcernOrganism, tokenizer: Any, sizes: TransferSizes, seed: int
) -> OrganismExcerpts:
    """The excerpts of an organism; a twin's are cut at places drawn from its parent's payloads."""
    places = None
    if organism.parent is not None:
        of_parent = excerpts_of(organism.parent.organism, tokenizer, sizes, seed)
        places = of_parent.places or (0,)
    return excerpts_of(organism.organism, tokenizer, sizes, seed, places=places)


def _facts(
    excerpts: OrganismExcerpts, confirmed: tuple[int, int], attribution: dict[str, float] | None
) -> ReadingFacts:
    regenerated, same = confirmed
    return ReadingFacts(
        scored=excerpts.scored,
        invalid=excerpts.invalid,
        places=excerpts.places,
        regenerated=regenerated,
        same=same,
        attribution=attribution,
    )


def _confirm(
    organism: ConcernOrganism, model: LanguageModel, count: int, seed: int
) -> tuple[int, int]:
    """Generate ``count`` shipped transcripts again: (number generated, number that are identical)."""
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
