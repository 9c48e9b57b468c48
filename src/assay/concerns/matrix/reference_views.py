"""The three views of the reference detectors, with what they learn from and are tested on.

A reference detector is an L2 logistic regression of fixed penalty on the mean of each conversation's
window, or on TF-IDF of its words: simple enough to be fitted hundreds of times for the learning curve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression

from assay.concerns.conversations.excerpts import Conversation
from assay.concerns.conversations.organism_readings import OrganismReadings
from assay.concerns.conversations.pool import pool_part, read_by_other
from assay.concerns.detectors.logistic_regression import fit_at
from assay.concerns.detectors.one_thread import one_thread
from assay.concerns.detectors.text_baseline import PENALTY, TOKEN
from assay.concerns.feature_codes import mean_activations
from assay.concerns.matrix.reference_result import View
from assay.concerns.matrix.scores import Scored, TestedConversations, scored_by
from assay.randomness import numpy_generator

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int
    from numpy.typing import NDArray

STRENGTH = 1e-3
"""Inverse regularisation strength of the activation views, METHODS 6's for the mean at several sites;
the matrix's own detectors choose theirs on the organisms that they learn from."""


def as_reader(own: OrganismReadings, pool: Sequence[Conversation]) -> OrganismReadings:
    """The readings as the case's model without an adapter made them: a reader of the conversations.

    ``pool`` is the benign pool as the case's model read it, in the order of ``own.pool``. Places of
    payloads are the organism's.
    """
    by_reader = read_by_other(own.pool, pool) if own.pool else ()
    return replace(
        own,
        discover=own.base_discover,
        threshold=own.base_threshold,
        test=own.base_test,
        pool=by_reader,
    )


@dataclass(frozen=True, eq=False)
class Learnable:
    """What reference detectors are learned from: conversations of all families but the tested one."""

    families: NDArray
    """Family of each conversation, str [conversations]."""
    labels: Bool[NDArray, " conversations"]
    """Whether the assistant misbehaves; a decoy's conversations never do."""
    means: Float[NDArray, "conversations width"]
    """Mean activation of each conversation's window at all hook sites, float64."""
    texts: list[str]
    """The words of each conversation's window."""

    @classmethod
    def of(cls, readings: Sequence[OrganismReadings]) -> Learnable:
        """All discover conversations of organisms and their decoy twins, and their learning pool."""
        rows = [
            (r.organism.family, c)
            for r in readings
            for c in (*r.discover, *pool_part(r.pool, "learning"))
        ]
        return cls(
            families=np.array([family for family, _ in rows]),
            labels=np.array([c.label for _, c in rows], dtype=bool),
            means=mean_activations([c for _, c in rows], at_all_sites=True),
            texts=[c.excerpt.text for _, c in rows],
        )

    def rows_of(self, families: Sequence[str]) -> Int[NDArray, " rows"]:
        """The rows of some families."""
        return np.flatnonzero(np.isin(self.families, families))

    def equal_share(
        self, families: Sequence[str], amount: tuple[int, int], seed: int, name: str
    ) -> Int[NDArray, " rows"]:
        """Rows of some families, ``amount`` (positives, negatives) in all, evenly drawn from each."""
        generator = numpy_generator(seed, f"concerns/equal/{name}")
        chosen: list[int] = []
        for label, total in zip((True, False), amount, strict=True):
            for number, family in enumerate(families):
                rows = np.flatnonzero((self.families == family) & (self.labels == label))
                share = total // len(families) + (number < total % len(families))
                chosen += [int(row) for row in generator.permutation(rows)[:share]]
        return np.array(sorted(chosen), dtype=int)


class TestedView:
    """One organism's test conversations in one view, ready to be scored by many detectors."""

    __test__ = False

    def __init__(self, view: View, tested: TestedConversations, learnable: Learnable) -> None:
        self.view = view
        self._tested = tested
        self._learnable = learnable
        everything = tested.everything()
        if view == "text":
            self._words = CountVectorizer(ngram_range=(1, 2), token_pattern=TOKEN)
            self._taught = self._words.fit_transform(learnable.texts)
            self._counts = self._words.transform([c.excerpt.text for c in everything])
        else:
            turns = [
                read[rows].mean(dim=0)
                for c, read in ((c, c.at_all_sites) for c in everything)
                for rows in c.turn_rows
            ]
            self._turns = torch.stack(turns).double().numpy()
            counts = [len(c.turn_rows) for c in everything]
            self._first_turns = np.cumsum([0, *counts[:-1]])

    def scored(self, rows: Int[NDArray, " rows"]) -> Scored:
        """The scores of a detector that is learned from some rows of the learnable conversations."""
        labels = self._learnable.labels[rows]
        values = (
            self._of_text(rows, labels) if self.view == "text" else self._of_means(rows, labels)
        )
        return scored_by(self._tested, values)

    def _of_means(self, rows: NDArray, labels: NDArray) -> Float[NDArray, " conversations"]:
        direction, bias = fit_at(self._learnable.means[rows], labels, STRENGTH)
        return np.asarray(np.maximum.reduceat(self._turns @ direction + bias, self._first_turns))

    def _of_text(self, rows: NDArray, labels: NDArray) -> Float[NDArray, " conversations"]:
        """The text baseline (``text_baseline``), whose vocabulary is that of the rows alone."""
        taught = self._taught[rows]
        known = np.flatnonzero(np.asarray(taught.sum(axis=0))[0] > 0)
        weights = TfidfTransformer(sublinear_tf=True).fit(taught[:, known])
        probe = LogisticRegression(C=PENALTY, class_weight="balanced", max_iter=300)
        with one_thread():
            probe.fit(weights.transform(taught[:, known]), labels)
        return np.asarray(probe.decision_function(weights.transform(self._counts[:, known])))


def views_of(
    own: OrganismReadings,
    others: Sequence[OrganismReadings],
    pool: Sequence[Conversation],
    allowed: Sequence[str],
) -> tuple[Learnable, Mapping[View, TestedView]]:
    """(what the own view learns from, each view of one organism).

    ``others`` are the organisms and decoy twins of other families. All views have the same
    conversations in the same order.
    """
    learnable = Learnable.of(others)
    tested = TestedConversations.of(own, allowed)
    read = [as_reader(other, pool) for other in others]
    by_reader = TestedConversations.of(as_reader(own, pool), allowed)
    return learnable, {
        "own": TestedView("own", tested, learnable),
        "reader": TestedView("reader", by_reader, Learnable.of(read)),
        "text": TestedView("text", tested, learnable),
    }
