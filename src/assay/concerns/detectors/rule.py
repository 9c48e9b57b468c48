"""Detector rule: a feature that fires on the concern, unless a second feature vetoes it.

An example is a lie in fiction: ``intent > a and not fiction > b``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from assay.concerns.candidates.ranking import contrast_order
from assay.concerns.conversations.excerpts import Conversation
from assay.concerns.detectors.detector import Detector, Examples, apply_to_conversations
from assay.concerns.detectors.feature_sums import FeatureSum
from assay.concerns.rules import Rule, parse_rule
from assay.statistics.roc import auroc

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import NDArray
    from torch import Tensor

    from assay.dictionaries import Dictionary

VETOES = 32
"""Number of features that are tried as the veto: those with the most negative contrasts."""
VETOED = -1.0
"""The score of a vetoed conversation, below every activation."""


class RuleDetector(Detector):
    """The first feature's activation, or VETOED where the second feature exceeds its limit."""

    name = "rule"

    def __init__(self, dictionary: Dictionary, feature: int, veto: int, limit: float) -> None:
        self.features = (feature, veto)
        self.limit = limit
        self._codes = FeatureSum("rule", dictionary, [feature, veto], [1.0, 0.0])

    def rule_at(self, threshold: float) -> Rule:
        """The rule equivalent to a threshold ≥ 0 on the score, over features named f17 and so on.

        The first feature's value is its aggregated activation in the conversation, the veto's value
        its largest activation.
        """
        feature, veto = (f"f{index}" for index in self.features)
        expression = f"{feature} > {threshold!r} and not {veto} > {self.limit!r}"
        return parse_rule(expression, (feature, veto))

    def token_scores(self, activations: Float[Tensor, "tokens d_model"]) -> NDArray:
        """The score of each token of one conversation; a veto on any token applies to all tokens."""
        return self._vetoed(self._codes.token_codes(activations))

    def by_conversation(self, conversations: Sequence[Conversation]) -> list[NDArray]:
        """``token_scores`` of each conversation; a veto applies only to its own conversation."""
        codes = apply_to_conversations(self._codes.token_codes, conversations)
        return [self._vetoed(tokens) for tokens in codes]

    def _vetoed(self, codes: Float[NDArray, "tokens 2"]) -> NDArray:
        if len(codes) and codes[:, 1].max() > self.limit:
            return np.full(len(codes), VETOED)
        return codes[:, 0]


def fit(examples: Examples, dictionary: Dictionary, seed: int) -> Detector:
    """The best single feature, with the veto feature and limit that increase its AUROC most."""
    labels = examples.labels
    order = contrast_order(examples.codes, labels)
    feature = int(order[0])
    first = examples.codes[:, feature].astype(np.float64)
    best, veto, limit = auroc(first[labels], first[~labels]), int(order[-1]), np.inf
    for candidate in order[-VETOES:]:
        codes = examples.codes[:, candidate]
        for quantile in (0.0, 0.9):
            level = float(np.quantile(codes[labels], quantile)) if quantile else 0.0
            score = np.where(codes > level, VETOED, first)
            area = auroc(score[labels], score[~labels])
            if area > best:
                best, veto, limit = area, int(candidate), level
    return RuleDetector(dictionary, feature, veto, min(limit, 1e9))
