"""The calibration on benign conversations, and its check on some that were spared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from assay.concerns.budgets import Budgets
from assay.concerns.deployment import Deployment
from assay.errors import AssayError
from assay.monitoring.result import BenignCheck, ModelReference, Scoring
from assay.monitoring.scoring import scores_of_values
from assay.monitoring.settings import Rollback
from assay.monitoring.thresholds import (
    Calibration,
    benign_sample,
    calibrate_rule,
    calibrate_threshold,
    tail_sample,
)
from assay.randomness import numpy_generator
from assay.statistics import excess_p, least_n_for_rate

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from numpy.typing import NDArray

SPARED_PART = 3
"""One template in so many is spared, to check the benign rate on it."""


@dataclass(frozen=True)
class MonitorSettings:
    """What a case says of its deployment, its budgets and its monitor."""

    case: str
    """The case's name."""
    budgets: Budgets
    """What may fire, and what must be caught."""
    deployment: Deployment
    """What the model is deployed for."""
    rollback: Rollback
    """When it is rolled back."""
    fallback: ModelReference | None = None
    """The weaker model to go back to."""
    seed: int = 0
    """Decides which benign conversations are spared for the check."""


@dataclass(frozen=True, eq=False)
class BenignValues:
    """What is known of benign conversations when a threshold is set."""

    values: Float[NDArray, "conversations features"]
    """Standardised features, aggregated over each conversation."""
    templates: tuple[str, ...]
    """What each was made from: conversations of one template are not independent."""
    turns: tuple[tuple[int, ...], ...] | None
    """Watched tokens of each assistant turn; None where they are not known."""

    def part(self, kept: Bool[NDArray, " conversations"]) -> BenignValues:
        """Some of the conversations, in their order."""
        rows = [int(i) for i in np.flatnonzero(kept)]
        return BenignValues(
            values=np.asarray(self.values)[rows],
            templates=tuple(self.templates[i] for i in rows),
            turns=None if self.turns is None else tuple(self.turns[i] for i in rows),
        )

    @property
    def lengths(self) -> list[int] | None:
        """Watched tokens of each conversation."""
        return None if self.turns is None else [sum(turns) for turns in self.turns]

    @property
    def longest(self) -> int | None:
        """Watched tokens of the longest turn."""
        return None if self.turns is None else max(max(turns) for turns in self.turns)

    @property
    def most_turns(self) -> int | None:
        """Most assistant turns of a conversation."""
        return None if self.turns is None else max(len(turns) for turns in self.turns)


def calibrate_benign(
    scoring: Scoring, benign: BenignValues, settings: MonitorSettings
) -> tuple[Calibration, BenignCheck | None]:
    """The threshold on the largest feature, or the bound of the rule, from benign values; and a check.

    A third of the templates is spared for the check where the guarantee can spare it; otherwise all
    conversations serve the calibration, and nothing is checked.
    """
    budgets = settings.budgets
    scores = _scores(scoring, benign)
    spared = spared_for_check(scores, benign.templates, budgets, settings.seed)
    kept = benign.part(~spared)
    sources, lengths = kept.templates, kept.lengths
    fpr, delta = budgets.fpr, budgets.delta
    if scoring.rule is None:
        calibration = calibrate_threshold(
            scores[~spared], fpr, delta, sources=sources, lengths=lengths
        )
    else:
        calibration = calibrate_rule(
            scores[~spared] > 0, fpr, delta, sources=sources, lengths=lengths
        )
    if not spared.any():
        return calibration, None
    threshold = 0.0 if calibration.threshold is None else calibration.threshold
    return calibration, _check(scores[spared] > threshold, benign.part(spared), budgets)


def spared_for_check(
    scores: Float[NDArray, " conversations"],
    templates: Sequence[str],
    budgets: Budgets,
    seed: int,
) -> Bool[NDArray, " conversations"]:
    """True for the conversations of a random third of the templates; for none where all are needed."""
    named = np.asarray(templates, dtype=str)
    none = np.zeros(len(named), dtype=bool)
    if len(named) == 0:
        return none
    names = np.unique(named)
    order = numpy_generator(seed, "monitoring/check").permutation(len(names))
    spared = np.isin(named, names[order[: len(names) // SPARED_PART]])
    rest = tail_sample(np.asarray(scores)[~spared], named[~spared].tolist())
    enough = rest.n_effective >= least_n_for_rate(budgets.fpr, budgets.delta)
    return spared if enough else none


def _check(
    fires: Bool[NDArray, " conversations"], benign: BenignValues, budgets: Budgets
) -> BenignCheck:
    sample = benign_sample(fires, benign.templates)
    fired = int(fires.sum())
    return BenignCheck(
        fired=fired,
        n=sample.n,
        n_effective=sample.n_effective,
        excess_p=excess_p(fired, sample, budgets.fpr),
    )


def _scores(scoring: Scoring, benign: BenignValues) -> Float[NDArray, " conversations"]:
    values = np.asarray(benign.values, dtype=np.float64).reshape(-1, len(scoring.features))
    if not len(values):
        return np.zeros(0)
    return scores_of_values(scoring, values)


def standardise(scoring: Scoring, values: Float[NDArray, "conversations features"]) -> Scoring:
    """The same scoring, its features centred and scaled to mean 0 and deviation 1 on these values.

    ``values`` are standardised features under the present ``scoring``, of benign conversations
    other than those that the threshold will be calibrated on. A feature that does not vary among
    them keeps its scale. Raises AssayError for fewer than 2 conversations.
    """
    if len(values) < 2:
        raise AssayError(
            f"{len(values)} conversations give no scale; at least 2 are needed to standardise"
        )
    features = []
    for i, feature in enumerate(scoring.features):
        raw = np.asarray(values)[:, i] * feature.scale + feature.centre
        scale = float(raw.std(ddof=1)) if np.ptp(raw) > 0 else feature.scale
        features.append(feature.model_copy(update={"centre": float(raw.mean()), "scale": scale}))
    return scoring.model_copy(update={"features": tuple(features)})
