"""Fit a monitor to a user's own conversations: choose a detector, learn it from all, calibrate it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from assay.concerns.conversations.excerpts import Conversation, excerpt_of
from assay.concerns.conversations.reading import MASSIVE, read_excerpts
from assay.concerns.detectors import Examples, LinearDetector, fit_detector
from assay.monitoring.benign_calibration import MonitorSettings, standardise
from assay.monitoring.benign_division import scaling_count
from assay.monitoring.calibrating import monitor_of
from assay.monitoring.choosing import (
    WatchedActivations,
    benign_values,
    linear_feature,
    values_of,
)
from assay.monitoring.fitting.cross_validating import compare_detectors
from assay.monitoring.fitting.own_conversations import OwnConversations
from assay.monitoring.fitting.result import Fit, TestedMonitor
from assay.monitoring.result import Monitor, Scoring, WatchedModel
from assay.monitoring.scoring import scores_of_values
from assay.randomness import numpy_generator
from assay.statistics import auroc, auroc_interval, effective_interval, effective_sample
from assay.statistics.clusters import LEAST_ICC
from assay.text.transcripts import Transcript

if TYPE_CHECKING:
    from assay.models import LanguageModel, Site


@dataclass(frozen=True)
class FittedMonitor:
    """What ``assay fit`` writes."""

    fit: Fit
    """The comparison of detectors."""
    monitor: Monitor
    """The monitor that ``assay watch`` runs."""

    def write(self, folder: Path) -> None:
        """Write ``fit.json`` and ``monitor.json`` into a folder."""
        self.fit.write(folder)
        self.monitor.write(folder)


def fit_monitor(
    model: LanguageModel,
    site: Site,
    own: OwnConversations,
    settings: MonitorSettings,
    *,
    tested: Sequence[Transcript] = (),
    adapter: str | None = None,
    inputs: Mapping[str, str],
) -> FittedMonitor:
    """Compare detectors by cross-validation, and calibrate a monitor with the best watchable one.

    Benign conversations are divided: the first serve the choice and the scale, as many as the
    guarantee can spare; the others set the threshold. ``tested`` are labelled conversations that play
    no other part; ``inputs`` are the hashes of the files. Raises AssayError for too few benign
    conversations, and as ``compare_detectors`` does.
    """
    tokenizer, seed = model.tokenizer, settings.seed

    def read(labelled: Sequence[tuple[Transcript, bool]]) -> tuple[Conversation, ...]:
        excerpts = [excerpt_of(tokenizer, t, label, source="own") for t, label in labelled]
        return read_excerpts(model, [site], excerpts)

    order = numpy_generator(seed, "fitting/benign").permutation(len(own.benign))
    shuffled = [own.benign[int(i)] for i in order]
    held = max(2, scaling_count(shuffled, settings.budgets))
    benign = read([(t, False) for t in shuffled])
    choosing, calibrating = benign[:held], benign[held:]
    examples = Examples.of(read(own.labelled), None)
    folds, comparisons = compare_detectors(examples, choosing, settings.budgets.fpr, seed)
    chosen = next(each.detector for each in comparisons if each.watchable)
    detector = fit_detector(chosen, examples, None, seed)
    assert isinstance(detector, LinearDetector)
    norms = torch.cat([c.activations for c in (*examples.conversations, *choosing)]).norm(dim=1)
    scoring = Scoring(
        site=str(site),
        features=(linear_feature("own", detector),),
        aggregation=detector.aggregation,
        norm_limit=MASSIVE * float(norms.median()),
    )
    scoring = standardise(scoring, values_of(scoring, _activations(choosing)))
    monitor = monitor_of(
        scoring,
        benign_values(scoring, _activations(calibrating)),
        settings,
        WatchedModel.of(model, adapter),
        sensitivities=(),
        inputs=inputs,
        note=" Its detector was chosen on other conversations than those that set the threshold.",
    )
    labels, templates = examples.labels, examples.templates
    fit = Fit(
        model=model.name,
        site=str(site),
        seed=seed,
        folds=folds,
        positives=len(own.positives),
        negatives=len(own.negatives),
        positive_templates=len(set(templates[labels])),
        negative_templates=len(set(templates[~labels])),
        benign=len(own.benign),
        comparisons=tuple(comparisons),
        chosen=chosen,
        tested=_tested(monitor, read([(t, bool(t.label)) for t in tested]), seed),
        inputs=dict(inputs),
        guarantee=monitor.guarantee,
        warnings=own.warnings,
    )
    return FittedMonitor(fit, monitor)


def _activations(conversations: Sequence[Conversation]) -> list[WatchedActivations]:
    return [WatchedActivations.of(conversation) for conversation in conversations]


def _tested(
    monitor: Monitor, conversations: Sequence[Conversation], seed: int
) -> TestedMonitor | None:
    """The monitor's figures on conversations that it was not fitted to; None where there are none."""
    if not conversations:
        return None
    scores = scores_of_values(monitor, values_of(monitor, _activations(conversations)))
    threshold = monitor.calibration.threshold
    assert threshold is not None
    sides = []
    for label in (True, False):
        rows = [i for i, c in enumerate(conversations) if c.label is label]
        sides.append((scores[rows], [conversations[i].excerpt.template for i in rows]))
    (above, positives), (below, negatives) = sides
    caught, alarms = int((above > threshold).sum()), int((below > threshold).sum())
    return TestedMonitor(
        auroc=auroc(above, below),
        auroc_ci=auroc_interval(
            above, below, numpy_generator(seed, "fitting/tested"), clusters=(positives, negatives)
        ),
        tpr=caught / len(positives),
        tpr_ci=effective_interval(caught, effective_sample(positives, LEAST_ICC)),
        positives=len(positives),
        fpr=alarms / len(negatives),
        fpr_ci=effective_interval(alarms, effective_sample(negatives, LEAST_ICC)),
        negatives=len(negatives),
    )
