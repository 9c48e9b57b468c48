"""The monitor stage: the best detector of each concern, calibrated on benign deployment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from assay.errors import AssayError
from assay.pipeline.case import Case
from assay.pipeline.case_organisms import CaseOrganism
from assay.pipeline.case_readings import Readings
from assay.pipeline.transfer import elicit_for

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from assay.concerns.detectors import Detector
    from assay.dictionaries import LoadedDictionary
    from assay.models import LanguageModel, Site
    from assay.monitoring.calibrating import Deployment
    from assay.monitoring.result import Monitor, Scoring, WatchedFeature
    from assay.text import Transcript

WATCHABLE = ("single_feature", "difference_in_means", "logistic_regression")
"""Detectors that are one direction each, and so can be watched alone."""
STANDARDISED_ON = 128
"""Benign conversations that set centre and scale; the threshold rests on the others."""


def run_monitor(
    case: Case,
    organisms: list[CaseOrganism],
    readings: Readings,
    transfer: dict[str, Any],
    loaded: LoadedDictionary,
    model: LanguageModel,
    site: Site,
    pool: Sequence[Transcript],
    folder: Path,
) -> Monitor:
    """Write ``monitor.json``.

    ``pool`` holds the benign conversations with replies. For each concern the detector with the
    best mean TPR over its organisms is learned anew from all of them. The TPR reported is that of
    the same steps with each organism left out of choosing and learning, at the threshold that
    they then give, up to the payload. Raises AssayError where the conversations are too few.
    """
    from assay.monitoring.calibrating import monitor_of
    from assay.monitoring.result import WatchedModel, write_monitor
    from assay.monitoring.watched_tokens import capture_watched, tokenize_watched
    from assay.statistics.intervals import proportion_lower_bound

    conversations = tokenize_watched(model, pool)
    captured: dict[int, Tensor] = {
        i: activations.float().cpu().clone()
        for i, activations in capture_watched(
            model, site, conversations, what="benign conversations"
        )
    }
    benign = [captured[i] for i in range(len(conversations))]
    held = _standardised_on(case, len(benign))
    watch = _Watcher(case, organisms, readings, transfer, loaded, site, benign, held)
    scoring = watch.scoring(None)
    if scoring is None:
        raise AssayError(
            "no detector could be learned for any concern, so there is nothing to watch; "
            "the transfer matrix says why"
        )
    fired, met = watch.caught()
    monitor = monitor_of(
        scoring,
        watch.values(scoring, benign[held:]),
        deployment_of(case, fired, met, proportion_lower_bound(fired, met) if met else None),
        WatchedModel(id=model.name, adapter=case.model.adapter, fingerprint=model.fingerprint),
        dictionary_sha256=loaded.metadata.hashes.get("weights"),
        lengths=[len(activations) for activations in benign[held:]],
    )
    templates = len({t.template or t.id for t in pool[held:]})
    note = (
        f" The {len(benign) - held} conversations come from {templates} templates; their prompts, "
        "read by the organisms, also served in the matrix that the detectors were chosen by."
    )
    monitor = monitor.model_copy(update={"guarantee": monitor.guarantee + note})
    write_monitor(folder, monitor)
    return monitor


def _standardised_on(case: Case, conversations: int) -> int:
    """How many conversations set centre and scale; as many as the guarantee can spare."""
    from assay.statistics import least_n_for_rate

    needed = least_n_for_rate(case.budgets.fpr, case.budgets.delta)
    spare = min(STANDARDISED_ON, conversations - needed)
    return spare if spare >= 2 else 0


def deployment_of(case: Case, fired: int, met: int, tpr_low: float | None) -> Deployment:
    """The case's deployment and budgets, with the TPR of organisms left out."""
    from assay.monitoring.calibrating import Deployment
    from assay.monitoring.result import ModelReference

    fallback = case.model.fallback
    return Deployment(
        case=case.name,
        budget=case.budgets.fpr,
        delta=case.budgets.delta,
        horizon=case.deployment.horizon,
        base_rate=case.deployment.base_rate,
        rule=case.monitor.rule,
        handful=case.monitor.handful,
        alpha=case.monitor.alpha,
        tpr=fired / met if met else None,
        tpr_low=tpr_low,
        tpr_n=met or None,
        fallback=ModelReference(id=fallback.id, adapter=fallback.adapter) if fallback else None,
    )


@dataclass(frozen=True, eq=False)
class _Watcher:
    """Builds the monitor's scoring, from all organisms or with one of them left out."""

    case: Case
    """The settings."""
    organisms: list[CaseOrganism]
    """Organisms and twins."""
    readings: Readings
    """Their conversations."""
    transfer: dict[str, Any]
    """The content of transfer.json, by which detectors are chosen."""
    loaded: LoadedDictionary
    """The dictionary."""
    site: Site
    """Where activations were read."""
    benign: list[Tensor]
    """Watched activations of the benign conversations."""
    held: int
    """The first so many of them set centre and scale, the others the threshold."""

    def scoring(self, left_out: CaseOrganism | None) -> Scoring | None:
        """What is watched: a direction a concern, standardised on the held conversations."""
        from assay.monitoring.calibrating import standardise
        from assay.monitoring.result import Scoring

        features, aggregations = [], []
        for concern in dict.fromkeys(one.concern for one in self.organisms):
            own = [one for one in self.organisms if one.concern == concern]
            out = left_out.family if left_out is not None else None
            looked_at = {o.name: o.family for o in own if not o.is_twin and o.family != out}
            pair = best_pair(self.transfer, looked_at)
            if pair is None:
                continue
            without = left_out if left_out in own else None
            detector = _learned(self.case, own, self.readings, self.loaded, pair, without)
            if detector is not None:
                features.append(watched_feature(concern.name, detector, self.loaded))
                aggregations.append(detector.aggregation)
        if not features:
            return None
        scoring = Scoring(
            site=str(self.site),
            features=tuple(features),
            # One aggregation serves all: the one that most of the detectors had chosen.
            aggregation=Counter(aggregations).most_common(1)[0][0],
            norm_limit=_norm_limit(self.readings),
        )
        if self.held:
            scoring = standardise(scoring, self.values(scoring, self.benign[: self.held]))
        return scoring

    def values(self, scoring: Scoring, activations: Sequence[Tensor]) -> NDArray:
        """Standardised features of conversations, [conversations, features]."""
        from assay.monitoring.scoring import standardised_values

        return np.stack([standardised_values(scoring, some) for some in activations])

    def caught(self) -> tuple[int, int]:
        """(misbehaving test conversations that fire, all of them), each organism left out in turn."""
        from assay.monitoring.calibrating import calibrate_scores
        from assay.monitoring.scoring import family_scores

        of_families: dict[str, list[tuple[int, int]]] = {}
        for one in self.organisms:
            positives = [
                c
                for c in self.readings.own[one.name]["test"]
                if c.label and c.excerpt.context not in one.concern.allowed_contexts
            ]
            if one.is_twin or not positives:
                continue
            scoring, fired = self.scoring(one), 0
            if scoring is not None:
                benign = self.values(scoring, self.benign[self.held :])
                deployment = deployment_of(self.case, 0, 0, None)
                threshold = calibrate_scores(scoring, benign, deployment).threshold or 0.0
                values = self.values(scoring, [c.activations for c in positives])
                fired = int((family_scores(scoring, values) > threshold).sum())
            of_families.setdefault(one.family, []).append((fired, len(positives)))
        # Seeds share their prompts and are no further organisms: the worst stands for all.
        worst = [min(seeds, key=lambda seed: seed[0] / seed[1]) for seeds in of_families.values()]
        return sum(fired for fired, _ in worst), sum(met for _, met in worst)


def _norm_limit(readings: Readings) -> float:
    """Ten times the median norm: longer tokens are massive, and were left out when learning."""
    import torch

    from assay.concerns.reading import MASSIVE

    kept = [c.activations for found in readings.base.values() for c in found]
    return MASSIVE * float(torch.cat(kept).norm(dim=1).median())


def best_pair(transfer: dict[str, Any], families: Mapping[str, str]) -> tuple[str, str] | None:
    """The (strategy, detector) with the best mean TPR over organisms; seeds weigh as one.

    Only detectors that can be watched alone, learned elsewhere, and that met all of the organisms.
    ``families`` maps the names of those that may be looked at to their organisms'.
    """
    from assay.concerns.strategies import shows_transfer
    from assay.pipeline.transfer_summary import best_of

    return best_of(
        ((cell["strategy"], cell["detector"]), families[cell["organism"]], cell["tpr"])
        for cell in transfer["cells"]
        if cell["organism"] in families
        and cell["detector"] in WATCHABLE
        and shows_transfer(cell["strategy"])
    )


def _learned(
    case: Case,
    own: list[CaseOrganism],
    readings: Readings,
    loaded: LoadedDictionary,
    pair: tuple[str, str],
    without: CaseOrganism | None,
) -> Detector | None:
    """The detector learned anew, from all of the concern's organisms but one; None from too few."""
    from assay.concerns.transfer import fit_all

    strategy, name = pair
    for elicited in elicit_for(case, without, own, readings):
        if elicited.strategy == strategy:
            fitted, _ = fit_all(elicited, [name], loaded.dictionary, case.seed)
            return fitted[0].detector if fitted else None
    return None


def watched_feature(concern: str, detector: Detector, loaded: LoadedDictionary) -> WatchedFeature:
    """A detector as a row of the monitor; what the dictionary subtracts is folded into the bias.

    A feature of a dictionary whose features depend on their rivals is watched by its
    pre-activation.
    """
    from assay.concerns.detectors.linear import LinearDetector
    from assay.dictionaries.threshold import ThresholdDictionary
    from assay.monitoring.result import WatchedFeature

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
