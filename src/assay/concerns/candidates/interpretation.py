"""Automatic labels of features, and scores of how well a label predicts the feature's firings.

A labeller is a function from examples to a label; the default labels with keywords, and a language
model can take its place. Labels are scored on held-out examples, by detection and by fuzzing (Paulo
et al. 2024, "Automatically interpreting millions of features").
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from assay.concerns.candidates.result import LabelScore
from assay.concerns.conversations.excerpts import Conversation
from assay.concerns.feature_codes import codes_alone
from assay.statistics import clopper_pearson
from assay.text import carried_to_text, token_texts

if TYPE_CHECKING:
    from assay.dictionaries import Dictionary

KEYWORDS = 4
"""Largest number of keywords in a label."""
STRONG = 0.5
"""The feature is strong on a token where it reaches this share of its largest activation."""


@dataclass(frozen=True)
class Example:
    """The watched tokens of a conversation and a feature's activation on each."""

    tokens: tuple[str, ...]
    """The tokens as text."""
    activations: tuple[float, ...]
    """The feature's activation z on each token; 0 where it does not fire."""
    template: str = ""
    """The conversation's template; all examples of a template are on the same side of a split."""

    @property
    def largest(self) -> float:
        """The largest activation."""
        return max(self.activations, default=0.0)


@dataclass(frozen=True)
class Label:
    """A label: what the labeller says that a feature fires on."""

    text: str
    """The label in words."""
    fires_on: Callable[[str], bool]
    """Function from a token's text to whether the label predicts a firing on it."""


Labeller = Callable[[Sequence[Example], Sequence[Example]], Label]
"""Function from examples that activate the feature, and examples that do not, to a label."""


def examples_of(
    dictionary: Dictionary, feature: int, conversations: Sequence[Conversation], tokenizer: Any
) -> list[Example]:
    """The watched tokens of every conversation, with the activation of one feature."""
    counts = [len(c.activations) for c in conversations]
    codes = codes_alone(dictionary, torch.cat([c.activations for c in conversations]), [feature])
    found = []
    for conversation, values in zip(conversations, codes[:, 0].split(counts), strict=True):
        every = token_texts(tokenizer, conversation.excerpt.tokens)
        texts = tuple(every[place] for place in conversation.places)
        activations = tuple(round(v, 4) for v in carried_to_text(values.tolist(), texts))
        found.append(Example(texts, activations, conversation.excerpt.template))
    return found


def keyword_labeller(activating: Sequence[Example], silent: Sequence[Example]) -> Label:
    """A label of the tokens on which the feature is strong and that are rare in silent examples."""
    strong: Counter[str] = Counter()
    for example in activating:
        limit = STRONG * example.largest
        strong.update(
            _plain(token)
            for token, value in zip(example.tokens, example.activations, strict=True)
            if value >= limit > 0
        )
    usual = Counter(_plain(token) for example in silent for token in example.tokens)
    total = sum(usual.values()) + 1
    weights = {
        token: count * np.log((1 + total) / (1 + usual[token]))
        for token, count in strong.items()
        if token
    }
    chosen = sorted(weights, key=lambda token: (-weights[token], token))[:KEYWORDS]
    if not chosen:
        return Label("fires on no particular token", lambda token: False)
    words = ", ".join(f"'{token}'" for token in chosen)
    kept = frozenset(chosen)
    return Label(f"fires on {words}", lambda token: _plain(token) in kept)


def score_label(
    label: Label, activating: Sequence[Example], silent: Sequence[Example], seed: int
) -> tuple[LabelScore | None, LabelScore | None]:
    """(detection, fuzzing) of a label on held-out examples; None where there are no examples.

    Detection: does the label distinguish activating examples from silent ones? Fuzzing: does it
    distinguish the tokens on which the feature is strong from as many other tokens of the same
    examples?
    """
    pairs = list(zip(activating, silent, strict=False))
    detection = [any(label.fires_on(token) for token in on.tokens) for on, _ in pairs]
    detection += [not any(label.fires_on(token) for token in off.tokens) for _, off in pairs]
    generator = np.random.default_rng(seed)
    fuzzing: list[bool] = []
    for example in activating:
        strong = [v >= STRONG * example.largest > 0 for v in example.activations]
        weak = [i for i, is_strong in enumerate(strong) if not is_strong]
        highlighted = [i for i, is_strong in enumerate(strong) if is_strong]
        if not weak or not highlighted:
            continue
        fuzzing.append(_any_fires(label, example, highlighted))
        other = generator.permutation(weak)[: len(highlighted)]
        fuzzing.append(not _any_fires(label, example, [int(i) for i in other]))
    return _scored(detection), _scored(fuzzing)


def _any_fires(label: Label, example: Example, places: Sequence[int]) -> bool:
    return any(label.fires_on(example.tokens[i]) for i in places)


def _scored(right: Sequence[bool]) -> LabelScore | None:
    if not right:
        return None
    ci = clopper_pearson(sum(right), len(right))
    return LabelScore(estimate=sum(right) / len(right), ci=ci, n=len(right))


def _plain(token: str) -> str:
    return token.strip().lower()
