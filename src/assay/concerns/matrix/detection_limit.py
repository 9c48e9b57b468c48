"""Measure the limit of detection: plant a direction in benign conversations, see whether it is found.

After METHODS.md section 6, "Limit of detection". A planted direction shifts every watched token, or a
tenth of them, of half of the benign conversations. A difference in means learns it from discover
conversations; the thresholds, the benign test and the rule of admission are those of every cell, but
for twins, ablation, the text baseline and the bootstrap of the AUROC. No forward pass is needed,
because a detector that reads the mean of a reply sees a shift of the mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from assay.concerns.budgets import Budgets
from assay.concerns.conversations.excerpts import Conversation, different_conversations
from assay.concerns.conversations.organism_readings import OrganismReadings
from assay.concerns.conversations.pool import pool_part
from assay.concerns.detectors.detector import FEWEST
from assay.concerns.feature_codes import mean_activations
from assay.concerns.matrix.admission import AdmissionInputs, CellFigures, shortfalls
from assay.concerns.matrix.limit_result import LimitOfDetection, PlantedIn
from assay.concerns.matrix.measuring import LOW_RATES, Correlation
from assay.concerns.matrix.scores import ScoreGroup, TestedConversations
from assay.randomness import numpy_generator
from assay.statistics import (
    auroc,
    effective_lower_bound,
    excess_p,
    partial_auroc,
    tolerance_threshold,
)

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from numpy.typing import NDArray

DIRECTIONS = 20
"""Random directions."""
STRENGTHS = (0.1, 0.15, 0.25, 0.4, 0.6, 0.8, 1.0, 1.25, 1.6, 2.0, 2.5, 3.2, 4.0)
"""Strengths that are tried, in standard deviations of the direction's projection over tokens."""
SHARES: dict[PlantedIn, float] = {"every token": 1.0, "a tenth of the tokens": 0.1}
"""Share of the watched tokens to which the direction is added."""
CENTRAL = (5.0, 95.0)
"""Percentiles of the interval."""


@dataclass(frozen=True, eq=False)
class _Benign:
    """Mean activations of benign conversations with their templates, and which get the direction."""

    means: Float[NDArray, "conversations d_model"]
    templates: tuple[str, ...]
    planted: Bool[NDArray, " conversations"]

    @classmethod
    def of(cls, conversations: Sequence[Conversation], generator: np.random.Generator) -> _Benign:
        """A random half of the templates gets the direction, so that none stands on both sides."""
        templates = tuple(c.excerpt.template for c in conversations)
        every = np.unique(templates)
        half = generator.permutation(every)[: len(every) // 2]
        return cls(mean_activations(conversations), templates, np.isin(templates, half))

    def group(self, scores: NDArray, rows: NDArray) -> ScoreGroup:
        """The scores of some rows with their templates."""
        return ScoreGroup(scores[rows], tuple(self.templates[i] for i in np.flatnonzero(rows)))


@dataclass(frozen=True, eq=False)
class _Bench:
    """Everything that one direction of one strength is tried on."""

    learned: _Benign
    threshold: _Benign
    tested: _Benign
    inputs: AdmissionInputs
    icc: Correlation

    def admits(self, shift: Float[NDArray, " d_model"]) -> bool:
        """Whether a shift of the mean activation would have been found and admitted."""
        learned = self.learned.means + np.outer(self.learned.planted, shift)
        with_it, without = learned[self.learned.planted], learned[~self.learned.planted]
        direction = with_it.mean(axis=0) - without.mean(axis=0)
        scores = (self.tested.means + np.outer(self.tested.planted, shift)) @ direction
        positives = self.tested.group(scores, self.tested.planted)
        benign = self.tested.group(scores, ~self.tested.planted)
        setting = self.threshold.group(
            self.threshold.means @ direction, np.ones(len(self.threshold.means), bool)
        )
        budgets = self.inputs.budgets
        sample = setting.sample(self.icc.benign)
        threshold = tolerance_threshold(
            setting.scores, budgets.fpr, budgets.delta, sample
        ).threshold
        fired = positives.fired(threshold)
        area = auroc(positives.scores, benign.scores)
        figures = CellFigures(
            auroc=area,
            auroc_lower=area,
            partial_auroc=partial_auroc(positives.scores, benign.scores, LOW_RATES),
            tpr=fired / len(positives),
            tpr_lower=effective_lower_bound(fired, positives.sample(self.icc.positives)),
            benign_rate=benign.fired(threshold) / len(benign),
            benign_p=excess_p(benign.fired(threshold), benign.sample(self.icc.benign), budgets.fpr),
            near_miss_lower=0.0,
            beats_text=None,
            rarer_templates=min(positives.template_count, benign.template_count),
        )
        return not shortfalls(figures, self.inputs)

    def limit(self, unit: Float[NDArray, " d_model"], share: float) -> float | None:
        """The smallest strength that is admitted, by bisection: more of a direction is no harder."""
        low, high = 0, len(STRENGTHS)
        while low < high:
            middle = (low + high) // 2
            if self.admits(STRENGTHS[middle] * share * unit):
                high = middle
            else:
                low = middle + 1
        return STRENGTHS[low] if low < len(STRENGTHS) else None


def measure_limits(
    organisms: Sequence[tuple[OrganismReadings, TestedConversations, float | None]],
    *,
    contrast: Sequence[Conversation],
    budgets: Budgets,
    icc: Correlation,
    seed: int,
) -> tuple[LimitOfDetection, ...]:
    """The limits on each organism: its reading, its conversations, and what chance reaches on it."""
    return tuple(
        limit
        for own, tested, chance in organisms
        for limit in limits_of_detection(
            own,
            tested,
            contrast=contrast,
            null_partial_auroc=chance,
            budgets=budgets,
            icc=icc,
            seed=seed,
        )
    )


def limits_of_detection(
    own: OrganismReadings,
    tested: TestedConversations,
    *,
    contrast: Sequence[Conversation],
    null_partial_auroc: float | None,
    budgets: Budgets,
    icc: Correlation,
    seed: int,
) -> list[LimitOfDetection]:
    """The limits for random directions and, where ``contrast`` holds pairs, for theirs.

    ``own`` is the organism's reading in the window of the matrix, ``null_partial_auroc`` what chance
    reaches on it. Empty where its benign conversations are too few to learn from.
    """
    generator = numpy_generator(seed, f"concerns/limit/{own.organism.name}")
    benign = [c for c in different_conversations(own.discover) if not c.label]
    learned = [*benign, *different_conversations(pool_part(own.pool, "learning"))]
    bench = _Bench(
        learned=_Benign.of(learned, generator),
        threshold=_Benign.of(tested.threshold, generator),
        tested=_Benign.of(tested.counted, generator),
        inputs=AdmissionInputs("medium", budgets, (), null_partial_auroc, ()),
        icc=icc,
    )
    sides = (bench.learned.planted, bench.tested.planted)
    if any(min(int(s.sum()), int((~s).sum())) < FEWEST for s in sides):
        return []
    tokens = torch.cat([c.activations for c in learned]).double().numpy()
    covariance = np.cov(tokens, rowvar=False)
    width = tokens.shape[1]
    random = generator.standard_normal((DIRECTIONS, width))
    found = [
        _limit(bench, covariance, random, "random", planted_in, own.organism.name)
        for planted_in in SHARES
    ]
    pairs = _difference(contrast)
    if pairs is not None:
        found += [
            _limit(bench, covariance, pairs[None], "contrast_pairs", planted_in, own.organism.name)
            for planted_in in SHARES
        ]
    return found


def _limit(
    bench: _Bench,
    covariance: Float[NDArray, "d_model d_model"],
    directions: Float[NDArray, "directions d_model"],
    kind: str,
    planted_in: PlantedIn,
    organism: str,
) -> LimitOfDetection:
    """The limits of some directions as one record; a strength of 1 is one standard deviation."""
    units = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    spread = np.sqrt(np.einsum("id,de,ie->i", units, covariance, units))
    limits = [bench.limit(s * u, SHARES[planted_in]) for s, u in zip(spread, units, strict=True)]
    values = np.array([np.inf if limit is None else limit for limit in limits])
    median = float(np.quantile(values, 0.5, method="higher"))
    ends = np.percentile(values, CENTRAL, method="nearest")
    per_sd = spread * np.sqrt(np.einsum("id,id->i", units, _solved(covariance, units)))
    return LimitOfDetection.model_validate(
        {
            "organism": organism,
            "directions": kind,
            "planted_in": planted_in,
            "count": len(limits),
            "admitted": int(np.isfinite(values).sum()),
            "median": median if np.isfinite(median) else None,
            "interval": (
                None
                if len(limits) == 1 or not np.isfinite(ends[0])
                else (float(ends[0]), float(ends[1]) if np.isfinite(ends[1]) else None)
            ),
            "mahalanobis": median * float(np.median(per_sd)) if np.isfinite(median) else None,
            "largest": STRENGTHS[-1],
            "n_planted": int(bench.tested.planted.sum()),
            "n_benign": int((~bench.tested.planted).sum()),
        }
    )


def _solved(covariance: NDArray, units: NDArray) -> NDArray:
    """Σ⁻¹u for each direction, with a little shrinkage towards the mean variance."""
    width = len(covariance)
    ridge = 1e-3 * np.trace(covariance) / width
    return np.asarray(np.linalg.solve(covariance + ridge * np.eye(width), units.T).T)


def _difference(conversations: Sequence[Conversation]) -> Float[NDArray, " d_model"] | None:
    """The difference in means of labelled conversations; None where a class is missing."""
    classes = [[c for c in conversations if c.label is label] for label in (True, False)]
    if not all(classes):
        return None
    first, second = (mean_activations(some).mean(axis=0) for some in classes)
    return np.asarray(first - second)
