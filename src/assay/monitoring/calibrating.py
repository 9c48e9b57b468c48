"""From watched features and benign conversations to a calibrated monitor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from assay.errors import AssayError
from assay.monitoring.guarantee import guarantee_in_words
from assay.monitoring.result import ModelReference, Monitor, Scoring, WatchedModel
from assay.monitoring.rollback import (
    EProcessRule,
    HandfulRule,
    check_covers,
    operating_figures,
)
from assay.monitoring.scoring import family_scores, read_values
from assay.monitoring.thresholds import Calibration, calibrate_rule, calibrate_threshold
from assay.monitoring.watched_tokens import BATCH_SIZE, tokenize_watched
from assay.statistics import positive_predictive_value

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import NDArray

    from assay.models import LanguageModel
    from assay.text import Transcript


@dataclass(frozen=True)
class Deployment:
    """What a case says about its deployment and its budgets."""

    case: str
    """The case's name."""
    budget: float
    """φ, rate of benign conversations that may fire."""
    delta: float
    """Probability that the calibration's bound does not hold."""
    horizon: int
    """Conversations that the operating figures cover."""
    base_rate: float
    """Share of conversations that are misbehaviour."""
    rule: Literal["e_process", "handful"] = "e_process"
    """The rollback rule."""
    handful: int = 3
    """h of the handful rule."""
    alpha: float | None = None
    """The rollback rule's error; None: the same as delta."""
    tpr: float | None = None
    """τ on held-out organisms, a conversation; None where not measured."""
    tpr_low: float | None = None
    """Its lower confidence bound."""
    tpr_n: int | None = None
    """Misbehaving conversations that it rests on."""
    fallback: ModelReference | None = None
    """The weaker model to go back to."""


def calibrate(
    model: LanguageModel,
    scoring: Scoring,
    benign: Sequence[Transcript],
    deployment: Deployment,
    *,
    adapter: str | None = None,
    dictionary_sha256: str | None = None,
    batch_size: int = BATCH_SIZE,
) -> Monitor:
    """Score benign transcripts with the model and calibrate the monitor on them.

    The transcripts must have played no part in choosing features, aggregation, centre, scale or
    rule. ``adapter`` is the PEFT folder that the model was loaded with.
    Raises AssayError for too few transcripts (saying how many are needed), for a rule that fires too
    often, and for a handful rule that does not cover the horizon.
    """
    conversations = tokenize_watched(model, benign)
    values = read_values(model, scoring, conversations, batch_size, what="benign conversations")
    watched = WatchedModel(id=model.name, adapter=adapter, fingerprint=model.fingerprint)
    lengths = [len(conversation.watched) for conversation in conversations]
    return monitor_of(
        scoring, values, deployment, watched, dictionary_sha256=dictionary_sha256, lengths=lengths
    )


def monitor_of(
    scoring: Scoring,
    benign_values: Float[NDArray, "conversations features"],
    deployment: Deployment,
    model: WatchedModel,
    *,
    dictionary_sha256: str | None = None,
    lengths: Sequence[int] | None = None,
) -> Monitor:
    """The calibrated monitor, from the standardised features of benign conversations.

    ``lengths`` are the conversations' watched tokens. Raises what ``calibrate`` raises.
    """
    calibration = calibrate_scores(scoring, benign_values, deployment, lengths)
    alpha = deployment.delta if deployment.alpha is None else deployment.alpha
    rollback: EProcessRule | HandfulRule = (
        EProcessRule(p0=calibration.rate_bound, alpha=alpha)
        if deployment.rule == "e_process"
        else HandfulRule(handful=deployment.handful, alpha=alpha)
    )
    bound, horizon, tpr = calibration.rate_bound, deployment.horizon, deployment.tpr
    check_covers(rollback, bound, horizon)
    operating = operating_figures(rollback, bound, horizon, tpr)
    ppv = None if tpr is None else positive_predictive_value(tpr, bound, deployment.base_rate)
    return Monitor(
        site=scoring.site,
        features=scoring.features,
        aggregation=scoring.aggregation,
        rule=scoring.rule,
        norm_limit=scoring.norm_limit,
        case=deployment.case,
        model=model,
        fallback=deployment.fallback,
        dictionary_sha256=dictionary_sha256,
        calibration=calibration,
        rollback=rollback,
        horizon=horizon,
        base_rate=deployment.base_rate,
        tpr=tpr,
        tpr_low=deployment.tpr_low,
        tpr_n=deployment.tpr_n,
        ppv=ppv,
        operating=operating,
        guarantee=guarantee_in_words(calibration, rollback, operating, horizon),
    )


def calibrate_scores(
    scoring: Scoring,
    benign_values: Float[NDArray, "conversations features"],
    deployment: Deployment,
    lengths: Sequence[int] | None = None,
) -> Calibration:
    """The threshold on the largest feature, or the bound of the rule, from benign values."""
    values = np.asarray(benign_values, dtype=np.float64).reshape(-1, len(scoring.features))
    scores = family_scores(scoring, values)
    if scoring.rule is None:
        return calibrate_threshold(scores, deployment.budget, deployment.delta, lengths)
    return calibrate_rule(scores > 0, deployment.budget, deployment.delta, lengths)


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
