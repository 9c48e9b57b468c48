"""The monitor stage: the best detector of each concern, calibrated on benign deployment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import AssayError
from assay.pipeline.case import Case
from assay.pipeline.case_readings import Readings
from assay.pipeline.organism_readings import CaseOrganism
from assay.pipeline.transfer import elicit_for

if TYPE_CHECKING:
    from assay.concerns.detectors import Detector
    from assay.dictionaries import LoadedDictionary
    from assay.models import LanguageModel, Site
    from assay.monitoring.monitor_file import Monitor, WatchedFeature
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
    best mean TPR over its organisms is learned anew from all of them. The TPR reported is the one
    of the transfer matrix, where each detector was learned without the organism it met.
    Raises AssayError where the conversations are too few for the guarantee.
    """
    from assay.monitoring.calibrating import Deployment, monitor_of, standardise
    from assay.monitoring.monitor_file import ModelReference, Scoring, WatchedModel, write_monitor
    from assay.monitoring.scoring import read_values
    from assay.monitoring.watched_tokens import BATCH_SIZE, tokenize_watched
    from assay.statistics import least_n_for_rate
    from assay.statistics.intervals import proportion_lower_bound

    features: list[WatchedFeature] = []
    aggregations: list[str] = []
    fired = met = 0
    for concern in dict.fromkeys(one.concern for one in organisms):
        own = [one for one in organisms if one.concern == concern]
        best = best_pair(transfer, [one.name for one in own if not one.is_twin])
        if best is None:
            continue
        (strategy, name), cells = best
        detector = _learned(case, own, readings, loaded, strategy, name)
        features.append(watched_feature(concern.name, detector, loaded))
        aggregations.append(detector.aggregation)
        fired += sum(round(cell["tpr"] * cell["n_positive"]) for cell in cells)
        met += sum(cell["n_positive"] for cell in cells)
    if not features:
        raise AssayError(
            "no detector could be learned for any concern, so there is nothing to watch; "
            "the transfer matrix says why"
        )
    scoring = Scoring(
        site=str(site),
        features=tuple(features),
        # One aggregation serves all features: the one that most of the detectors had chosen.
        aggregation=Counter(aggregations).most_common(1)[0][0],
        norm_limit=_norm_limit(readings),
    )
    conversations = tokenize_watched(model, pool)
    values = read_values(model, scoring, conversations, BATCH_SIZE, what="benign conversations")
    needed = least_n_for_rate(case.budgets.fpr, case.budgets.delta)
    held = min(STANDARDISED_ON, max(0, len(values) - needed))
    if held >= 2:
        scoring = standardise(scoring, values[:held])
        values = read_values(model, scoring, conversations[held:], BATCH_SIZE)
        conversations = conversations[held:]
    fallback = case.model.fallback
    monitor = monitor_of(
        scoring,
        values,
        Deployment(
            case=case.name,
            budget=case.budgets.fpr,
            delta=case.budgets.delta,
            horizon=case.deployment.horizon,
            base_rate=case.deployment.base_rate,
            rule=case.monitor.rule,
            handful=case.monitor.handful,
            alpha=case.monitor.alpha,
            tpr=fired / met if met else None,
            tpr_low=proportion_lower_bound(fired, met) if met else None,
            tpr_n=met or None,
            fallback=None
            if fallback is None
            else ModelReference(id=fallback.id, adapter=fallback.adapter),
        ),
        WatchedModel(id=model.name, adapter=case.model.adapter, fingerprint=model.fingerprint),
        dictionary_sha256=loaded.metadata.hashes.get("weights"),
        lengths=[len(conversation.watched) for conversation in conversations],
    )
    write_monitor(folder, monitor)
    return monitor


def _norm_limit(readings: Readings) -> float:
    """Ten times the median norm: longer tokens are massive, and were left out when learning."""
    import torch

    from assay.concerns.reading import MASSIVE

    kept = [c.activations for found in readings.base.values() for c in found]
    return MASSIVE * float(torch.cat(kept).norm(dim=1).median())


def best_pair(
    transfer: dict[str, Any], names: Sequence[str]
) -> tuple[tuple[str, str], list[dict[str, Any]]] | None:
    """The (strategy, detector) with the best mean TPR over the organisms, and its cells there.

    Only detectors that can be watched alone; those that need the tested organism are left out.
    """
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for cell in transfer["cells"]:
        usable = cell["detector"] in WATCHABLE and not cell["strategy"].startswith("few_shot")
        if usable and cell["organism"] in names and cell["tpr"] is not None:
            groups.setdefault((cell["strategy"], cell["detector"]), []).append(cell)
    if not groups:
        return None

    def standing(pair: tuple[str, str]) -> tuple[float, float]:
        cells = groups[pair]
        admitted = sum(c["verdict"] in ("high", "medium") for c in cells)
        return admitted, sum(c["tpr"] for c in cells) / len(cells)

    best = max(sorted(groups), key=standing)
    return best, groups[best]


def _learned(
    case: Case,
    own: list[CaseOrganism],
    readings: Readings,
    loaded: LoadedDictionary,
    strategy: str,
    name: str,
) -> Detector:
    from assay.concerns.detectors import Examples, fit_detector

    for elicited in elicit_for(case, None, own, readings):
        if elicited.strategy == strategy:
            examples = Examples.of(elicited.conversations, loaded.dictionary)
            return fit_detector(name, examples, loaded.dictionary, case.seed)
    raise AssayError(f"the strategy {strategy} elicited nothing for the monitor")


def watched_feature(concern: str, detector: Detector, loaded: LoadedDictionary) -> WatchedFeature:
    """A detector as a row of the monitor; what the dictionary subtracts is folded into the bias.

    A feature of a dictionary whose features depend on their rivals is watched by its
    pre-activation.
    """
    from assay.concerns.detectors.linear import LinearDetector
    from assay.dictionaries.threshold import ThresholdDictionary
    from assay.monitoring.monitor_file import WatchedFeature

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
    threshold = None
    if isinstance(dictionary, ThresholdDictionary):
        threshold = float(dictionary.thresholds[feature])
    return WatchedFeature(
        name=f"{concern}.f{feature}",
        feature=feature,
        direction=tuple(float(x) for x in row),
        bias=float(bias),
        threshold=threshold,
    )
