"""Choose what is watched: for each concern the detector that transfers best, as one direction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from assay.concerns.conversations.concern_organisms import ConcernOrganism
from assay.concerns.conversations.organism_readings import OrganismReadings
from assay.concerns.conversations.reading import MASSIVE
from assay.concerns.detectors import Detector, LinearDetector
from assay.concerns.matrix.learning import fit_all
from assay.concerns.matrix.leave_one_out import Pair, best_pair
from assay.concerns.matrix.result import TransferMatrix
from assay.concerns.strategies import Elicited, StrategyChoice, elicit_for
from assay.dictionaries import LoadedDictionary
from assay.dictionaries.threshold import ThresholdDictionary
from assay.monitoring.calibrating import Sensitivity, calibrate_scores, standardise
from assay.monitoring.result import Scoring, WatchedFeature
from assay.monitoring.scoring import family_scores, standardised_values
from assay.statistics import least_n_for_rate

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import NDArray
    from torch import Tensor

    from assay.concerns.budgets import Budgets
    from assay.concerns.concern import Concern

WATCHABLE = ("single_feature", "difference_in_means", "logistic_regression")
"""Detectors that are one direction each, and so can be watched alone."""
STANDARDISED_ON = 128
"""Benign conversations that set centre and scale, at most; the threshold rests on the others."""


@dataclass(frozen=True, eq=False)
class WatchedActivations:
    """Activations of a conversation's watched tokens, and the rows of each assistant turn."""

    activations: Float[Tensor, "tokens d_model"]
    """float32, all watched tokens."""
    turns: tuple[slice, ...]
    """The rows of each turn."""


@dataclass(frozen=True, eq=False)
class WatchSource:
    """What the choice of watched directions is made from."""

    matrix: TransferMatrix
    """The transfer matrix, by which detectors are chosen."""
    readings: Sequence[OrganismReadings]
    """Conversations of organisms and twins."""
    generated: Mapping[str, Elicited]
    """Conversations of the strategies that generate."""
    strategies: Sequence[StrategyChoice]
    """How detectors are learned."""
    loaded: LoadedDictionary
    """The dictionary."""
    scaling: Sequence[WatchedActivations]
    """Benign conversations that set centre and scale, none of those that set the threshold."""
    seed: int
    """Every random draw derives from it."""


def choose_watched(source: WatchSource, left_out: ConcernOrganism | None = None) -> Scoring | None:
    """A direction a concern, standardised; None where no detector can be learned.

    For each concern the detector with the best mean TPR over its organisms, learned anew from all
    of them. With ``left_out`` neither the choice nor the learning sees that organism's family.
    """
    features, aggregations = [], []
    for concern in dict.fromkeys(own.organism.concern for own in source.readings):
        pair = _best(source, concern, left_out)
        detector = None if pair is None else _learn(source, concern, pair, left_out)
        if detector is not None:
            features.append(watched_feature(concern.name, detector, source.loaded))
            aggregations.append(detector.aggregation)
    if not features:
        return None
    scoring = Scoring(
        site=source.matrix.site,
        features=tuple(features),
        # One aggregation serves all: the one that most of the detectors had chosen.
        aggregation=Counter(aggregations).most_common(1)[0][0],
        norm_limit=norm_limit(source.readings),
    )
    return standardise(scoring, values_of(scoring, source.scaling)) if source.scaling else scoring


def left_out_sensitivity(
    source: WatchSource, benign: Sequence[WatchedActivations], budgets: Budgets
) -> Sensitivity | None:
    """Misbehaving test conversations that fire, each organism left out in turn.

    Choice, learning and threshold are made anew without each organism. Of several seeds the worst
    stands for all: they share their prompts and are no further organisms. None without any
    misbehaving conversation.
    """
    of_families: dict[str, list[Sensitivity]] = {}
    for own in source.readings:
        organism = own.organism
        allowed = organism.concern.allowed_contexts
        positives = [c for c in own.test if c.label and c.excerpt.context not in allowed]
        if organism.is_twin or not positives:
            continue
        found = [WatchedActivations(c.activations, c.turn_rows) for c in positives]
        fired = _fired(source, organism, found, benign, budgets)
        of_families.setdefault(organism.family, []).append(Sensitivity(fired, len(positives)))
    if not of_families:
        return None
    worst = [min(seeds, key=lambda seed: seed.tpr) for seeds in of_families.values()]
    return Sensitivity(sum(s.fired for s in worst), sum(s.n for s in worst))


def _fired(
    source: WatchSource,
    organism: ConcernOrganism,
    positives: Sequence[WatchedActivations],
    benign: Sequence[WatchedActivations],
    budgets: Budgets,
) -> int:
    scoring = choose_watched(source, organism)
    if scoring is None:
        return 0
    calibration = calibrate_scores(scoring, values_of(scoring, benign), budgets)
    threshold = 0.0 if calibration.threshold is None else calibration.threshold
    return int((family_scores(scoring, values_of(scoring, positives)) > threshold).sum())


def _best(source: WatchSource, concern: Concern, left_out: ConcernOrganism | None) -> Pair | None:
    out = left_out.family if left_out is not None else None
    families = {
        own.organism.name: own.organism.family
        for own in source.readings
        if own.organism.concern == concern
        and not own.organism.is_twin
        and own.organism.family != out
    }
    return best_pair(
        (
            cell
            for cell in source.matrix.cells
            if cell.organism in families and cell.detector in WATCHABLE
        ),
        families,
    )


def _learn(
    source: WatchSource, concern: Concern, pair: Pair, left_out: ConcernOrganism | None
) -> Detector | None:
    """The detector learned anew, from the concern's organisms but one; None from too few."""
    strategy, name = pair
    tested = next((r for r in source.readings if r.organism is left_out), None)
    if tested is not None and tested.organism.concern != concern:
        tested = None
    for elicited in elicit_for(
        source.strategies,
        tested,
        source.readings,
        source.generated,
        concern=concern,
        seed=source.seed,
    ):
        if elicited.strategy == strategy:
            fitted, _ = fit_all(elicited, [name], source.loaded.dictionary, source.seed)
            return fitted[0].detector if fitted else None
    return None


def spared_for_scaling(conversations: int, budgets: Budgets) -> int:
    """How many benign conversations set centre and scale: as many as the guarantee can spare."""
    spare = min(STANDARDISED_ON, conversations - least_n_for_rate(budgets.fpr, budgets.delta))
    return spare if spare >= 2 else 0


def values_of(
    scoring: Scoring, conversations: Sequence[WatchedActivations]
) -> Float[NDArray, "conversations features"]:
    """Standardised features of conversations."""
    return np.stack([standardised_values(scoring, c.activations, c.turns) for c in conversations])


def norm_limit(readings: Sequence[OrganismReadings]) -> float:
    """Ten times the median norm: longer tokens are massive, and were left out when learning."""
    kept = [c.activations for own in readings for c in own.base]
    return MASSIVE * float(torch.cat(kept).norm(dim=1).median())


def watched_feature(concern: str, detector: Detector, loaded: LoadedDictionary) -> WatchedFeature:
    """A detector as a row of the monitor; what the dictionary subtracts is folded into the bias.

    A feature of a dictionary whose features depend on their rivals is watched by its
    pre-activation.
    """
    if isinstance(detector, LinearDetector):
        return WatchedFeature(
            name=f"{concern}.{detector.name}",
            direction=tuple(float(x) for x in detector.direction),
            bias=detector.bias,
        )
    dictionary = loaded.dictionary
    feature = detector.features[0]
    row = dictionary.W_enc.detach()[feature]
    bias = dictionary.b_enc.detach()[feature] - row @ dictionary.b_dec.detach()
    threshold = 0.0
    if isinstance(dictionary, ThresholdDictionary):
        threshold = float(dictionary.thresholds[feature])
    return WatchedFeature(
        name=f"{concern}.f{feature}",
        feature=feature,
        direction=tuple(float(x) for x in row),
        bias=float(bias),
        threshold=threshold,
    )
