"""Excerpts of an organism's own conversations for each split, with the place of the payload."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from assay.concerns.conversations.excerpts import Excerpt, excerpt_of, payload_index
from assay.concerns.conversations.transfer_sizes import TransferSizes
from assay.concerns.conversations.window_names import Window
from assay.concerns.conversations.windows import excerpt_in_window
from assay.organisms import Organism, OrganismTranscript, read_on_policy
from assay.organisms.manifest import CONDITIONS, Split
from assay.randomness import numpy_generator

SCORED_SPLITS: tuple[Split, ...] = ("discover", "threshold", "test")
WHOLE_REPLY = "header and whole reply of every assistant turn"
HEADER_ONLY = "header only: the payload starts with the reply's first token"


@dataclass(frozen=True, eq=False)
class OrganismExcerpts:
    """The excerpts of an organism's conversations, and where their payloads start."""

    name: str
    """Name of the organism or twin."""
    twin_of: str | None
    """The organism of which this is a twin; None for an organism."""
    of: dict[Split, tuple[Excerpt, ...]]
    """Split → excerpts with their whole reply. Benign conversations have a place that is drawn from
    the places of the payloads."""
    places: tuple[int, ...]
    """Number of reply tokens before the payload in each positive of the test split."""
    invalid: int
    """Number of replies that were left out because they could not be judged."""


def excerpts_of(
    organism: Organism,
    tokenizer: Any,
    sizes: TransferSizes,
    seed: int,
    places: Sequence[int] | None = None,
) -> OrganismExcerpts:
    """Read an organism's own transcripts, and find or draw the place of each payload.

    ``places``, for a twin, are its parent's numbers of reply tokens before the payload; None uses
    the organism's own, of the same split, so that splits stay independent. Raises AssayError where
    transcripts are missing or another adapter wrote them.
    """
    transcripts = [t for t in read_on_policy(organism) if t.split in SCORED_SPLITS]
    invalid = sum(t.label is None for t in transcripts)
    of: dict[Split, tuple[Excerpt, ...]] = {}
    of_test: tuple[int, ...] = ()
    for split in SCORED_SPLITS:
        rows = sampled([t for t in transcripts if t.split == split], sizes, split, seed)
        own = [_place(tokenizer, t) for t in rows if t.label]
        drawn_from = list(places) if places is not None else own or [0]
        generator = numpy_generator(seed, f"concerns/cuts/{organism.name}/{split}")
        drawn = [
            _place(tokenizer, t) if t.label else int(generator.choice(drawn_from)) for t in rows
        ]
        of[split] = tuple(
            _excerpt(tokenizer, organism, t, place) for t, place in zip(rows, drawn, strict=True)
        )
        if split == "test":
            of_test = tuple(drawn_from if places is not None else own)
    return OrganismExcerpts(
        name=organism.name,
        twin_of=organism.manifest.twin_of,
        of=of,
        places=of_test,
        invalid=invalid,
    )


def scored_in_words(window: Window, places: Sequence[int]) -> str:
    """Which tokens a window scores, from the numbers of reply tokens before the payloads."""
    if window == "reply":
        return WHOLE_REPLY
    known = np.array(places or (0,))
    if known.max() == 0:
        return HEADER_ONLY
    return f"header and the {int(np.median(known))} (median) reply tokens before the payload"


def _excerpt(
    tokenizer: Any, organism: Organism, transcript: OrganismTranscript, payload: int
) -> Excerpt:
    return excerpt_of(
        tokenizer,
        transcript,
        bool(transcript.label),
        payload=payload,
        # A twin is left out with its organism, whose name stands for the family.
        source=organism.manifest.twin_of or organism.name,
        condition=transcript.condition,
    )


def sampled(
    transcripts: list[OrganismTranscript], sizes: TransferSizes, split: Split, seed: int
) -> list[OrganismTranscript]:
    """Judged transcripts, at most ``sizes``' number of each condition, including held-out triggers."""
    most = getattr(sizes, split)
    chosen: list[OrganismTranscript] = []
    for condition in CONDITIONS:
        rows = [t for t in transcripts if t.condition == condition and t.label is not None]
        order = numpy_generator(seed, f"concerns/sample/{split}/{condition}").permutation(len(rows))
        chosen += [rows[i] for i in sorted(order[:most])]
    return chosen


def _place(tokenizer: Any, transcript: OrganismTranscript) -> int:
    offset = transcript.payload_offset or 0
    return payload_index(tokenizer, transcript.messages[-1].content, offset)


def payloads_of(excerpts: OrganismExcerpts) -> list[tuple[Excerpt, list[int]]]:
    """The positives of the discover split, cut before the payload, and the payload's token ids."""
    found = []
    for excerpt in excerpts.of["discover"]:
        payload = list(excerpt.tokens[excerpt.payload :])
        if excerpt.label and payload:
            found.append((excerpt_in_window(excerpt, "before"), payload))
    return found
