"""Calibrate a monitor: watched features and benign conversations give a monitor with a guarantee."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from assay.concerns.budgets import Budgets
from assay.concerns.deployment import Deployment
from assay.errors import AssayError
from assay.monitoring.guarantee import guarantee_in_words
from assay.monitoring.result import ModelReference, Monitor, Scoring, WatchedModel
from assay.monitoring.rollback import (
    EProcessRule,
    HandfulRule,
    check_covers,
    operating_figures,
)
from assay.monitoring.scoring import read_values, scores_of_values, watched_excerpts
from assay.monitoring.settings import Rollback
from assay.monitoring.thresholds import Calibration, calibrate_rule, calibrate_threshold
from assay.statistics import positive_predictive_value
from assay.statistics.intervals import proportion_lower_bound

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import NDArray

    from assay.models import LanguageModel
    from assay.text import Transcript


@dataclass(frozen=True)
class MonitorSettings:
    """The settings of a monitor: case name, budgets, deployment, rollback rule and fallback model."""

    case: str
    """The case's name."""
    budgets: Budgets
    """The false-positive budget and the true-positive target."""
    deployment: Deployment
    """The deployment, with its base rate and horizon."""
    rollback: Rollback
    """The rollback rule and its constants."""
    fallback: ModelReference | None = None
    """The weaker model to roll back to; None where there is none."""


@dataclass(frozen=True)
class Sensitivity:
    """True-positive rate of the monitor on organisms that were left out of its choice and learning."""

    fired: int
    """Number of misbehaving test conversations that fire."""
    n: int
    """Number of misbehaving test conversations, at least 1."""

    @property
    def tpr(self) -> float:
        """τ, the true-positive rate."""
        return self.fired / self.n

    @property
    def lower(self) -> float:
        """One-sided 95 % lower bound of the true-positive rate."""
        return proportion_lower_bound(self.fired, self.n)


def calibrate(
    model: LanguageModel,
    scoring: Scoring,
    benign: Sequence[Transcript],
    settings: MonitorSettings,
    *,
    sensitivity: Sensitivity | None = None,
    adapter: str | None = None,
    dictionary_sha256: str | None = None,
    inputs: Mapping[str, str] | None = None,
) -> Monitor:
    """Score benign transcripts with the model and calibrate the monitor on them.

    The transcripts must not have served the choice of features, aggregation, centre, scale or rule.
    ``adapter`` is the PEFT folder with which the model was loaded; ``inputs`` are the hashes of the
    inputs of ``scoring``. Raises AssayError for too few transcripts (saying how many are needed), for
    a rule that fires too often, and for a handful rule that does not cover the horizon.

    ``scoring`` says what is watched; ``assay.monitoring.choose_watched`` makes one from a transfer
    matrix. The monitor's ``write(folder)`` writes monitor.json, which ``watch`` reads.
    """
    excerpts = watched_excerpts(model, benign)
    return monitor_of(
        scoring,
        read_values(model, scoring, excerpts, what="benign conversations"),
        settings,
        WatchedModel(id=model.name, adapter=adapter, fingerprint=model.fingerprint),
        sensitivity=sensitivity,
        dictionary_sha256=dictionary_sha256,
        lengths=[len(excerpt.watched) for excerpt in excerpts],
        inputs={"model": model.fingerprint, **(inputs or {})},
    )


def monitor_of(
    scoring: Scoring,
    benign_values: Float[NDArray, "conversations features"],
    settings: MonitorSettings,
    model: WatchedModel,
    *,
    sensitivity: Sensitivity | None,
    inputs: Mapping[str, str],
    dictionary_sha256: str | None = None,
    lengths: Sequence[int] | None = None,
    note: str = "",
) -> Monitor:
    """Calibrate a monitor on the standardised features of benign conversations.

    ``lengths`` are the conversations' numbers of watched tokens; ``note`` is added to the guarantee.
    Raises AssayError as ``calibrate`` does.
    """
    budgets, rollback, horizon = settings.budgets, settings.rollback, settings.deployment.horizon
    calibration = calibrate_scores(scoring, benign_values, budgets, lengths)
    bound = calibration.rate_bound
    alpha = budgets.delta if rollback.alpha is None else rollback.alpha
    rule: EProcessRule | HandfulRule = (
        EProcessRule(p0=bound, alpha=alpha)
        if rollback.rule == "e_process"
        else HandfulRule(handful=rollback.handful, alpha=alpha)
    )
    check_covers(rule, bound, horizon)
    tpr = sensitivity.tpr if sensitivity is not None else None
    base_rate = settings.deployment.base_rate
    operating = operating_figures(rule, bound, horizon, tpr)
    return Monitor(
        site=scoring.site,
        features=scoring.features,
        aggregation=scoring.aggregation,
        rule=scoring.rule,
        norm_limit=scoring.norm_limit,
        case=settings.case,
        model=model,
        fallback=settings.fallback,
        dictionary_sha256=dictionary_sha256,
        calibration=calibration,
        rollback=rule,
        horizon=horizon,
        base_rate=base_rate,
        tpr_target=budgets.tpr_target,
        tpr=tpr,
        tpr_low=sensitivity.lower if sensitivity is not None else None,
        tpr_n=sensitivity.n if sensitivity is not None else None,
        ppv=None if tpr is None else positive_predictive_value(tpr, bound, base_rate),
        operating=operating,
        guarantee=guarantee_in_words(calibration, rule, operating, horizon) + note,
        inputs=dict(inputs),
    )


def calibrate_scores(
    scoring: Scoring,
    benign_values: Float[NDArray, "conversations features"],
    budgets: Budgets,
    lengths: Sequence[int] | None = None,
) -> Calibration:
    """Calibrate the threshold on the largest feature, or bound the rule's benign rate.

    Raises AssayError for too few conversations and for a rule that fires too often.
    """
    values = np.asarray(benign_values, dtype=np.float64).reshape(-1, len(scoring.features))
    scores = scores_of_values(scoring, values)
    if scoring.rule is None:
        return calibrate_threshold(scores, budgets.fpr, budgets.delta, lengths)
    return calibrate_rule(scores > 0, budgets.fpr, budgets.delta, lengths)


def standardise(scoring: Scoring, values: Float[NDArray, "conversations features"]) -> Scoring:
    """The scoring with features centred and scaled to mean 0 and standard deviation 1 on ``values``.

    ``values`` are the features, under the present ``scoring``, of benign conversations that will not
    be used to calibrate the threshold. A feature that does not vary among them keeps its scale.
    Raises AssayError for fewer than 2 conversations.
    """
    if len(values) < 2:
        raise AssayError(
            f"{len(values)} conversations are too few to standardise features; at least 2 are needed"
        )
    features = []
    for i, feature in enumerate(scoring.features):
        raw = np.asarray(values)[:, i] * feature.scale + feature.centre
        scale = float(raw.std(ddof=1)) if np.ptp(raw) > 0 else feature.scale
        features.append(feature.model_copy(update={"centre": float(raw.mean()), "scale": scale}))
    return scoring.model_copy(update={"features": tuple(features)})
