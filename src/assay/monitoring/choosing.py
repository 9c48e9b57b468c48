"""Choose the watched features: for each concern the detector that transfers best, as a direction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from assay.concerns.conversations import Conversation
from assay.concerns.conversations.concern_organisms import ConcernOrganism
from assay.concerns.conversations.organism_readings import OrganismReadings, readings_in_window
from assay.concerns.conversations.reading import MASSIVE
from assay.concerns.detectors import Detector, LinearDetector, is_watchable
from assay.concerns.matrix.learning import fit_all
from assay.concerns.matrix.leave_one_out import Pair, best_pair
from assay.concerns.matrix.result import TransferMatrix
from assay.concerns.strategies import Elicited, StrategyChoice, elicit_for
from assay.dictionaries import LoadedDictionary
from assay.dictionaries.threshold import ThresholdDictionary
from assay.monitoring.benign_calibration import BenignValues, standardise
from assay.monitoring.result import Scoring, WatchedFeature
from assay.monitoring.scoring import standardised_values

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import NDArray
    from torch import Tensor

    from assay.concerns.concern import Concern


@dataclass(frozen=True, eq=False)
class WatchedActivations:
    """The activations of a conversation's watched tokens, with the rows of each assistant turn."""

    activations: Float[Tensor, "tokens width"]
    """Activations of all watched tokens at all of the case's hook sites, float32."""
    turns: tuple[slice, ...]
    """The rows of each turn."""
    template: str
    """What the conversation was made from: those of one template are not independent."""

    @classmethod
    def of(cls, conversation: Conversation) -> WatchedActivations:
        """Those of a conversation that an organism has read."""
        return cls(conversation.at_all_sites, conversation.turn_rows, conversation.excerpt.template)


@dataclass(frozen=True, eq=False)
class WatchSource:
    """The inputs of the choice of watched features."""

    matrix: TransferMatrix
    """The transfer matrix, whose figures choose the detectors."""
    readings: Sequence[OrganismReadings]
    """The readings of organisms and twins."""
    generated: Mapping[str, Elicited]
    """Conversations of the strategies that generate, by strategy."""
    strategies: Sequence[StrategyChoice]
    """The strategies whose conversations detectors are learned from."""
    loaded: LoadedDictionary
    """The dictionary."""
    pool: Sequence[Conversation]
    """The benign pool as the case's model read it."""
    scaling: Sequence[WatchedActivations]
    """Benign conversations that set centre and scale; none of them sets the threshold."""
    seed: int
    """Seed of every random draw."""


def choose_watched(source: WatchSource, left_out: ConcernOrganism | None = None) -> Scoring | None:
    """Choose a watched feature for each concern; None where no detector can be learned.

    For each concern this is the detector with the best mean partial AUROC over the concern's
    organisms, learned again from the organisms of all concerns, in the matrix's window, and
    standardised on ``source.scaling``. With ``left_out``, that
    organism's family takes part neither in the choice nor in the learning.
    """
    features, aggregations, several = [], [], False
    # What is learned does not depend on the concern for which it was chosen.
    learned: dict[Pair, Detector | None] = {}
    for concern in dict.fromkeys(reading.organism.concern for reading in source.readings):
        pair = _best(source, concern, left_out)
        if pair is not None and pair not in learned:
            learned[pair] = _learn(source, concern, pair, left_out)
        detector = None if pair is None else learned[pair]
        if detector is not None:
            features.append(watched_feature(concern.name, detector, source.loaded))
            aggregations.append(detector.aggregation)
            several = several or detector.at_all_sites
    if not features:
        return None
    features = of_one_width(without_repetitions(features))
    scoring = Scoring(
        site=source.matrix.site,
        further_sites=source.matrix.further_sites if several else (),
        features=tuple(features),
        # All features share an aggregation: the most frequent choice of the detectors.
        aggregation=Counter(aggregations).most_common(1)[0][0],
        norm_limit=norm_limit(source.readings),
    )
    return standardise(scoring, values_of(scoring, source.scaling)) if source.scaling else scoring


def without_repetitions(features: Sequence[WatchedFeature]) -> list[WatchedFeature]:
    """Features that are the same for several concerns once, named for all of these concerns.

    Detectors learn from the organisms of all concerns, so that two concerns may have one direction.
    """
    named: dict[WatchedFeature, list[str]] = {}
    for feature in features:
        concern, _, kind = feature.name.partition(".")
        named.setdefault(feature.model_copy(update={"name": kind}), []).append(concern)
    return [
        feature.model_copy(update={"name": f"{'+'.join(concerns)}.{feature.name}"})
        for feature, concerns in named.items()
    ]


def of_one_width(features: Sequence[WatchedFeature]) -> list[WatchedFeature]:
    """The features with directions as wide as the widest: zeros for the sites that they do not read."""
    widest = max(len(feature.direction) for feature in features)
    return [
        feature.model_copy(
            update={"direction": feature.direction + (0.0,) * (widest - len(feature.direction))}
        )
        for feature in features
    ]


def _best(source: WatchSource, concern: Concern, left_out: ConcernOrganism | None) -> Pair | None:
    out = left_out.family if left_out is not None else None
    families = {
        reading.organism.name: reading.organism.family
        for reading in source.readings
        if reading.organism.concern == concern
        and not reading.organism.is_twin
        and reading.organism.family != out
    }
    return best_pair(
        (
            cell
            for cell in source.matrix.cells
            if cell.organism in families and is_watchable(cell.detector)
        ),
        families,
    )


def _learn(
    source: WatchSource, concern: Concern, pair: Pair, left_out: ConcernOrganism | None
) -> Detector | None:
    """The detector, learned from the organisms without ``left_out``; None from too few."""
    strategy, name = pair
    readings = [readings_in_window(r, source.matrix.window) for r in source.readings]
    tested = next((r for r in readings if r.organism is left_out), None)
    for elicited in elicit_for(
        source.strategies,
        tested,
        readings,
        source.generated,
        concern=concern,
        seed=source.seed,
        pool=source.pool,
    ):
        if elicited.strategy == strategy:
            fitted, _ = fit_all(elicited, [name], source.loaded.dictionary, source.seed)
            return fitted[0].detector if fitted else None
    return None


def values_of(
    scoring: Scoring, conversations: Sequence[WatchedActivations]
) -> Float[NDArray, "conversations features"]:
    """The standardised features of conversations, float64; a monitor of one site reads the first."""
    width = scoring.width
    return np.stack(
        [standardised_values(scoring, c.activations[:, :width], c.turns) for c in conversations]
    )


def benign_values(scoring: Scoring, conversations: Sequence[WatchedActivations]) -> BenignValues:
    """What a calibration needs of benign conversations."""
    return BenignValues(
        values=values_of(scoring, conversations),
        templates=tuple(c.template for c in conversations),
        turns=tuple(tuple(rows.stop - rows.start for rows in c.turns) for c in conversations),
    )


def norm_limit(readings: Sequence[OrganismReadings]) -> float:
    """MASSIVE times the median norm of watched tokens; tokens above it are massive and left out."""
    kept = [c.activations for reading in readings for c in reading.base_discover]
    return MASSIVE * float(torch.cat(kept).norm(dim=1).median())


def watched_feature(concern: str, detector: Detector, loaded: LoadedDictionary) -> WatchedFeature:
    """A detector as a watched feature; the dictionary's ``b_dec`` is folded into its bias.

    A feature of a plain TopK dictionary, which depends on the other features, is watched by its ReLU
    pre-activation.
    """
    if isinstance(detector, LinearDetector):
        return linear_feature(concern, detector)
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


def linear_feature(concern: str, detector: LinearDetector) -> WatchedFeature:
    """A direction of raw activations as a watched feature."""
    return WatchedFeature(
        name=f"{concern}.{detector.name}",
        direction=tuple(float(x) for x in detector.direction),
        bias=detector.bias,
    )
