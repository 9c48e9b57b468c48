"""Candidate features: ranked, labelled, and warned about where they mix position with content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from assay.concerns.conversations import Conversation
from assay.concerns.detectors import Examples
from assay.concerns.detectors.interface import FEWEST
from assay.concerns.interpretation import (
    Example,
    Labeller,
    LabelScore,
    examples_of,
    keyword_labeller,
    score_label,
)
from assay.concerns.ranking import Ranked, rank_features
from assay.concerns.strategies import Elicited
from assay.randomness import numpy_generator, seed_for

if TYPE_CHECKING:
    from assay.dictionaries import Dictionary

PURE = ("content", "additive")
"""Position labels with which a candidate is admitted without a warning (METHODS 6)."""
SHOWN = 6
"""Examples shown on a card."""
AROUND = 12
"""Tokens shown before and after the strongest one."""


@dataclass(frozen=True)
class Candidate:
    """A feature that may stand for a concern."""

    concern: str
    """The concern."""
    strategy: str
    """Where it was found."""
    ranked: Ranked
    """Contrast, AUROC and p, on the conversations of the strategy (selected: optimistic); p is
    multiplied by the number of strategies (Bonferroni)."""
    position_label: str | None
    """Its label by the position audit; None where that was not run."""
    position_warning: str | None
    """What the label means for a monitor, where it is not content or additive."""
    label: str
    """What it fires on, by the labeller."""
    detection: LabelScore | None
    """Whether the label tells activating from silent examples, on held-out ones."""
    fuzzing: LabelScore | None
    """Whether it tells strong tokens from others, on held-out examples."""
    examples: tuple[Example, ...]
    """Where it is strongest."""
    random_examples: tuple[Example, ...]
    """Where it fires, drawn at random."""


def find_candidates(
    concern: str,
    elicited: Sequence[Elicited],
    dictionary: Dictionary,
    conversations: Sequence[Conversation],
    position_labels: Mapping[int, str] | None,
    tokenizer: Any,
    seed: int,
    *,
    most: int = 3,
    labeller: Labeller = keyword_labeller,
) -> list[Candidate]:
    """The ``most`` best features of each strategy that has enough conversations, each once.

    Examples and labels come from ``conversations``, which need no labels.
    """
    found: dict[int, Candidate] = {}
    usable = [one for one in elicited if min(one.positives, one.negatives) >= FEWEST]
    for one in usable:
        examples = Examples.of(one.conversations, dictionary)
        ranked = rank_features(examples.codes, examples.labels, examples.templates, seed, most=most)
        for standing in ranked:
            # Max-T controls one strategy's features; the best of several strategies is one of many.
            standing = replace(standing, p=min(1.0, standing.p * len(usable)))
            if standing.feature in found and found[standing.feature].ranked.p <= standing.p:
                continue
            found[standing.feature] = _candidate(
                concern,
                one.strategy,
                standing,
                examples_of(dictionary, standing.feature, conversations, tokenizer),
                position_labels,
                labeller,
                seed,
            )
    return sorted(found.values(), key=lambda c: (c.ranked.p, -c.ranked.contrast))


def _candidate(
    concern: str,
    strategy: str,
    ranked: Ranked,
    examples: list[Example],
    position_labels: Mapping[int, str] | None,
    labeller: Labeller,
    seed: int,
) -> Candidate:
    generator = numpy_generator(seed, f"concerns/examples/{ranked.feature}")
    firing = sorted((e for e in examples if e.largest > 0), key=lambda e: -e.largest)
    silent = [e for e in examples if e.largest == 0]
    silent = [silent[i] for i in generator.permutation(len(silent))]
    # Half of the templates teach the labeller, the others score what it said.
    taught, held_out = _by_template(firing), _by_template(firing, other=True)
    label = labeller(taught[:20], _by_template(silent)[:100])
    detection, fuzzing = score_label(
        label,
        held_out[:20],
        _by_template(silent, other=True)[:100],
        seed_for(seed, f"fuzzing/{ranked.feature}"),
    )
    drawn = [firing[int(i)] for i in generator.permutation(len(firing))[:SHOWN]]
    position = None if position_labels is None else position_labels.get(ranked.feature, "too rare")
    return Candidate(
        concern=concern,
        strategy=strategy,
        ranked=ranked,
        position_label=position,
        position_warning=position_warning(position),
        label=label.text,
        detection=detection,
        fuzzing=fuzzing,
        examples=tuple(_around(e) for e in firing[:SHOWN]),
        random_examples=tuple(_around(e) for e in drawn),
    )


def _by_template(examples: Sequence[Example], other: bool = False) -> list[Example]:
    """The examples of one half of the templates, or of the other; a template's half is its hash's."""
    return [e for e in examples if (seed_for(0, f"template/{e.template}") % 2 == 1) is other]


def position_warning(label: str | None) -> str | None:
    """What to beware of, or None for a feature that is content or additive."""
    if label in PURE:
        return None
    if label is None:
        return "its position audit was not run"
    return (
        f"labelled {label} by the position audit: it may fire for where a token stands, "
        "not for what it says"
    )


def _around(example: Example) -> Example:
    """The tokens around the strongest one."""
    centre = int(np.argmax(example.activations))
    some = slice(max(0, centre - AROUND), centre + AROUND + 1)
    return Example(example.tokens[some], example.activations[some])
