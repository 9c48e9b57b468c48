"""Calibrate a monitor: watched features and benign conversations give a monitor with a guarantee."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from assay.concerns.deployment import source_of, without_duplicates
from assay.monitoring.benign_calibration import (
    BenignValues,
    MonitorSettings,
    calibrate_benign,
)
from assay.monitoring.guarantee import Promise, guarantee_in_words
from assay.monitoring.result import (
    Monitor,
    OrganismSensitivity,
    Scoring,
    WatchedModel,
)
from assay.monitoring.rollback import (
    EProcessRule,
    HandfulRule,
    check_covers,
    operating_figures,
)
from assay.monitoring.scoring import read_values, watched_excerpts
from assay.monitoring.sensitivity import caught_among, verified_of, worst_of
from assay.statistics import positive_predictive_value

if TYPE_CHECKING:
    from assay.models import LanguageModel
    from assay.text import Transcript


def calibrate(
    model: LanguageModel,
    scoring: Scoring,
    benign: Sequence[Transcript],
    settings: MonitorSettings,
    *,
    sensitivities: Sequence[OrganismSensitivity] = (),
    adapter: str | None = None,
    dictionary_sha256: str | None = None,
    inputs: Mapping[str, str] | None = None,
) -> Monitor:
    """Score benign transcripts with the model and calibrate the monitor on them.

    The transcripts must have played no part in choosing features, aggregation, centre, scale or
    rule; repeated conversations are dropped. ``adapter`` is the PEFT folder that the model was loaded
    with; ``inputs`` are the hashes of what the scoring was made from. Raises AssayError for too few
    transcripts (saying how many are needed), for a rule that fires too often, and for a handful rule
    that does not cover the horizon.
    """
    different = without_duplicates(benign)
    excerpts = watched_excerpts(model, different)
    return monitor_of(
        scoring,
        BenignValues(
            values=read_values(model, scoring, excerpts, what="benign conversations"),
            templates=tuple(source_of(transcript) for transcript in different),
            turns=tuple(excerpt.turn_lengths for excerpt in excerpts),
        ),
        settings,
        WatchedModel.of(model, adapter),
        sensitivities=sensitivities,
        dictionary_sha256=dictionary_sha256,
        inputs={"model": model.fingerprint, **(inputs or {})},
    )


def monitor_of(
    scoring: Scoring,
    benign: BenignValues,
    settings: MonitorSettings,
    model: WatchedModel,
    *,
    sensitivities: Sequence[OrganismSensitivity],
    inputs: Mapping[str, str],
    dictionary_sha256: str | None = None,
    note: str = "",
) -> Monitor:
    """Calibrate a monitor on the standardised features of benign conversations.

    ``note`` is added to the guarantee; ``shifts`` stay empty (``shift_figures`` measures them). Raises
    what ``calibrate`` raises.
    """
    budgets, horizon = settings.budgets, settings.deployment.horizon
    base_rate = settings.deployment.base_rate
    calibration, check = calibrate_benign(scoring, benign, settings)
    rule = rollback_rule(settings, calibration.rate_bound)
    verified = verified_of(sensitivities)
    worst = worst_of(verified) if verified else None
    caught, organisms_lower = caught_among(sensitivities, budgets)
    tpr = None if worst is None else worst.tpr
    operating = operating_figures(
        rule,
        horizon,
        rate_bound=calibration.rate_bound,
        rate=calibration.above / calibration.n,
        tpr=tpr,
        base_rate=base_rate,
    )
    promise = Promise(
        calibration=calibration,
        check=check,
        longest=benign.longest,
        most_turns=benign.most_turns,
        rule=rule,
        operating=operating,
        horizon=horizon,
        base_rate=base_rate,
        worst=worst,
    )
    return Monitor(
        site=scoring.site,
        further_sites=scoring.further_sites,
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
        tpr_low=None if worst is None else worst.lower,
        tpr_n=None if worst is None else worst.n,
        ppv=(
            None if not tpr else positive_predictive_value(tpr, calibration.rate_bound, base_rate)
        ),
        operating=operating,
        guarantee=guarantee_in_words(promise) + note,
        sensitivities=tuple(sensitivities),
        organisms_caught=caught,
        organisms_lower=organisms_lower,
        check=check,
        longest=benign.longest,
        most_turns=benign.most_turns,
        shifts=(),
        inputs=dict(inputs),
    )


def rollback_rule(settings: MonitorSettings, rate_bound: float) -> EProcessRule | HandfulRule:
    """The case's rule with its constants. Raises AssayError where it breaks its promise."""
    rollback = settings.rollback
    alpha = settings.budgets.delta if rollback.alpha is None else rollback.alpha
    rule: EProcessRule | HandfulRule = (
        EProcessRule(p0=rate_bound, alpha=alpha)
        if rollback.rule == "e_process"
        else HandfulRule(handful=rollback.handful, alpha=alpha)
    )
    check_covers(rule, rate_bound, settings.deployment.horizon)
    return rule
