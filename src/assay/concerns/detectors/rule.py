"""A rule over two features: one that fires on the concern, unless another one vetoes it.

The worked example is acted lies in fiction: ``intent > a and not fiction > b``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from assay.concerns.conversations import Conversation
from assay.concerns.detectors.feature_sums import FeatureSum
from assay.concerns.detectors.interface import Detector, Examples, together
from assay.concerns.ranking import contrast_order
from assay.concerns.rules import parse_rule
from assay.statistics.roc import auroc

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import NDArray
    from torch import Tensor

    from assay.dictionaries import Dictionary

VETOES = 32
"""Features tried as a veto: those that most favour the benign conversations."""


class RuleDetector(Detector):
    """The first feature's activation, or -1 where the second vetoes."""

    name = "rule"

    def __init__(
        self, dictionary: Dictionary, feature: int, veto: int, above: float, limit: float
    ) -> None:
        self.features = (feature, veto)
        self.rule = parse_rule(
            f"f{feature} > {above:.4g} and not f{veto} > {limit:.4g}", (f"f{feature}", f"f{veto}")
        )
        self.limit = limit
        self._codes = FeatureSum("rule", dictionary, [feature, veto], [1.0, 0.0])

    def token_scores(self, activations: Float[Tensor, "tokens d_model"]) -> NDArray:
        """One score a token of one conversation; a veto anywhere in it holds for all of it."""
        return self._vetoed(self._codes.token_codes(activations))

    def by_conversation(self, conversations: Sequence[Conversation]) -> list[NDArray]:
        """``token_scores`` of each conversation; no veto reaches into another."""
        return [self._vetoed(own) for own in together(self._codes.token_codes, conversations)]

    def _vetoed(self, codes: Float[NDArray, "tokens 2"]) -> NDArray:
        if len(codes) and codes[:, 1].max() > self.limit:
            return np.full(len(codes), -1.0)
        return codes[:, 0]


def fit(examples: Examples, dictionary: Dictionary, seed: int) -> Detector:
    """The best single feature, and the veto and its limit that raise its AUROC most."""
    labels = examples.labels
    order = contrast_order(examples.codes, labels)
    feature = int(order[0])
    first = examples.codes[:, feature].astype(np.float64)
    best, veto, limit = auroc(first[labels], first[~labels]), int(order[-1]), np.inf
    for candidate in order[-VETOES:]:
        codes = examples.codes[:, candidate]
        for quantile in (0.0, 0.9):
            level = float(np.quantile(codes[labels], quantile)) if quantile else 0.0
            score = np.where(codes > level, -1.0, first)
            area = auroc(score[labels], score[~labels])
            if area > best:
                best, veto, limit = area, int(candidate), level
    above = float(np.median(first[labels])) / 2
    return RuleDetector(dictionary, feature, veto, above, min(limit, 1e9))
