"""Detector text: TF-IDF and logistic regression on the same text, the baseline to beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from assay.concerns.conversations.excerpts import Conversation
from assay.concerns.detectors.detector import Detector, Examples
from assay.concerns.detectors.one_thread import one_thread

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import NDArray
    from torch import Tensor

    from assay.dictionaries import Dictionary


TOKEN = r"(?u)\w+|[^\w\s]"
"""A token of the vocabulary: a word, or a punctuation mark."""
PENALTY = 10.0
"""Inverse regularisation strength."""


class TextDetector(Detector):
    """A detector that reads the conversation's text up to the cut, and no activations."""

    name = "text"

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline

    def token_scores(self, activations: Float[Tensor, "tokens d_model"]) -> NDArray:
        """All zero, because the text baseline has no token scores."""
        return np.zeros(len(activations))

    def scores(self, conversations: Sequence[Conversation]) -> Float[NDArray, " conversations"]:
        """Log-odds of misbehaviour from the text, for each conversation."""
        if not conversations:
            return np.zeros(0)
        texts = [conversation.excerpt.text for conversation in conversations]
        return np.asarray(self._pipeline.decision_function(texts), dtype=np.float64)


def fit(examples: Examples, dictionary: Dictionary | None, seed: int) -> Detector:
    """TF-IDF of words and word pairs with sublinear counts; L2-regularised fit, classes balanced."""
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=TOKEN, min_df=1)
    probe = LogisticRegression(C=PENALTY, class_weight="balanced", max_iter=300)
    pipeline = make_pipeline(words, probe)
    with one_thread():
        pipeline.fit([c.excerpt.text for c in examples.conversations], examples.labels)
    return TextDetector(pipeline)
