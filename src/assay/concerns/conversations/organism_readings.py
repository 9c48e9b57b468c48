"""The readings of an organism: its own conversations, other organisms', and the benign pool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from assay.concerns.conversations.window_names import Window
from assay.concerns.conversations.windows import in_window
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
FROM_OTHERS = 20
"""Conversations of each condition that an organism reads of another organism."""


class ReadingFacts(Result):
    """Where an organism's payloads start, how many conversations were confirmed, and attribution."""

    FILE: ClassVar[str] = "reading.json"
    MADE_BY: ClassVar[str] = "assay run CASE.yaml"

    version: Literal[2] = 2
    """Version of the layout."""
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


CONVERSATION_PARTS = (
    "discover",
    "threshold",
    "test",
    "pool",
    "others",
    "base_discover",
    "base_threshold",
    "base_test",
)
"""Names of the readings of an organism: the fields of ``OrganismReadings`` with conversations."""


@dataclass(frozen=True, eq=False)
class OrganismReadings:
    """The conversations that were read for an organism or twin, with their activations.

    All are whole; ``readings_in_window`` cuts them.
    """

    organism: ConcernOrganism
    """The organism or twin."""
    discover: tuple[Conversation, ...]
    """Its own conversations of the discover split, read by itself; a decoy twin's are triggered ones.
    Detectors that are tested on other organisms are learned from these."""
    threshold: tuple[Conversation, ...]
    """Its own benign and near-miss conversations of the threshold split, read by itself; none of a
    twin."""
    test: tuple[Conversation, ...]
    """Its own conversations of the test split, read by itself; for a twin only the triggered ones."""
    pool: tuple[Conversation, ...]
    """The benign pool, read by the organism; none by a twin."""
    others: tuple[Conversation, ...]
    """Discover conversations of a few other organisms, read by this organism; none by a twin."""
    base_discover: tuple[Conversation, ...]
    """The discover conversations, read by the case's model without any adapter: a reader."""
    base_threshold: tuple[Conversation, ...]
    """Those of the threshold split, read by the case's model."""
    base_test: tuple[Conversation, ...]
    """Those of the test split, read by the case's model."""
    facts: ReadingFacts
    """Where payloads start, and how many conversations were confirmed."""

    def save(self, folder: Path) -> None:
        """Write the conversations and the facts into a folder."""
        parts = {name: getattr(self, name) for name in CONVERSATION_PARTS}
        save_conversations(folder / CONVERSATIONS, parts)
        self.facts.write(folder)


def readings_in_window(readings: OrganismReadings, window: Window) -> OrganismReadings:
    """The readings with only the rows of a window. Raises AssayError as ``in_window`` does."""
    if window == "reply":
        return readings
    parts: dict[str, Any] = {
        name: tuple(in_window(c, window) for c in getattr(readings, name))
        for name in CONVERSATION_PARTS
    }
    return replace(readings, **parts)


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
    sites: Sequence[Site],
    dictionary: Dictionary,
    sizes: TransferSizes,
    seed: int,
) -> OrganismReadings:
    """Read an organism's own conversations, those of a few other organisms, and the benign pool.

    The same conversations are read by ``base``, which has no adapter; ``model`` has the organism's. The
    first of ``sites`` is the dictionary's. Of a twin only triggered conversations are read. Of each of
    the ``others`` FROM_OTHERS conversations of each condition are read. Raises AssayError where
    transcripts are missing or another adapter wrote them.
    """
    tokenizer = model.tokenizer
    excerpts = placed_excerpts(organism, tokenizer, sizes, seed)
    confirmed = _confirm(organism, model, sizes.confirmed, seed)
    test = excerpts.of["test"]
    threshold: tuple[Excerpt, ...] = ()
    elsewhere: list[Excerpt] = []
    in_pool: list[Excerpt] = []
    attribution = None
    discover = excerpts.of["discover"]
    if organism.is_twin:
        discover = tuple(e for e in discover if e.condition == "triggered" and not e.label)
        test = tuple(e for e in test if e.condition == "triggered")
    else:
        # Thresholds rest on benign conversations only, so no others of this split are read.
        threshold = tuple(e for e in excerpts.of["threshold"] if not e.label)
        in_pool = pool_excerpts(tokenizer, pool, excerpts.name, excerpts.places, seed)
        few = sizes.model_copy(update={"discover": min(sizes.discover, FROM_OTHERS)})
        for other in others:
            elsewhere += placed_excerpts(other, tokenizer, few, seed).of["discover"]
        found = attribute(model, sites[0], dictionary, payloads_of(excerpts)[:ATTRIBUTED])
        attribution = {str(i): round(float(found[i]), 5) for i in found.nonzero()[0]}
    return OrganismReadings(
        organism,
        discover=read_excerpts(model, sites, discover),
        threshold=read_excerpts(model, sites, threshold),
        test=read_excerpts(model, sites, test),
        pool=read_excerpts(model, sites, in_pool),
        others=read_excerpts(model, sites, elsewhere),
        base_discover=read_excerpts(base, sites, discover),
        base_threshold=read_excerpts(base, sites, threshold),
        base_test=read_excerpts(base, sites, test),
        facts=_facts(excerpts, confirmed, attribution),
    )


def placed_excerpts(
    organism: ConcernOrganism, tokenizer: Any, sizes: TransferSizes, seed: int
) -> OrganismExcerpts:
    """The excerpts of an organism; a twin's places are drawn from its parent's payloads."""
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
