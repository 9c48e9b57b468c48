"""The monitor's sensitivity: each organism is tested by a monitor that never saw it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from assay.concerns.conversations import Conversation
from assay.concerns.conversations.concern_organisms import ConcernOrganism
from assay.concerns.conversations.excerpts import different_conversations
from assay.concerns.matrix.measuring import Correlation
from assay.concerns.matrix.scores import is_near_miss
from assay.monitoring.benign_calibration import MonitorSettings, calibrate_benign
from assay.monitoring.choosing import (
    WatchedActivations,
    WatchSource,
    benign_values,
    choose_watched,
    values_of,
)
from assay.monitoring.result import OrganismSensitivity
from assay.monitoring.scoring import scores_of_values
from assay.monitoring.sensitivity import OrganismFirings, sensitivities_of


def left_out_sensitivities(
    source: WatchSource, benign: Sequence[WatchedActivations], settings: MonitorSettings
) -> tuple[OrganismSensitivity, ...]:
    """What is caught of each organism, left out in turn, beside its own benign conversations.

    Choice, learning and threshold are made anew without each organism, and its test
    conversations are scored as it reads them itself. Empty without any misbehaving conversation.
    """
    found = []
    for own in source.readings:
        allowed = own.organism.concern.allowed_contexts
        different = different_conversations(own.test)
        tested = [c for c in different if c.excerpt.context not in allowed]
        positives = [c for c in tested if c.label]
        harmless = [c for c in tested if not c.label]
        near_misses = [c for c in harmless if is_near_miss(c)]
        # Where the trigger stood and nothing happened, it is not known what a firing means.
        benign_ones = [
            c for c in harmless if not is_near_miss(c) and c.excerpt.condition != "triggered"
        ]
        if own.organism.is_twin or not positives:
            continue
        fires = _monitor_without(source, own.organism, benign, settings)
        found.append(
            OrganismFirings(
                organism=own.organism.name,
                family=own.organism.family,
                concern=own.organism.concern.name,
                verified=source.matrix.organism(own.organism.name).admitted,
                misbehaving=fires(positives),
                misbehaving_templates=tuple(c.excerpt.template for c in positives),
                benign=fires(benign_ones),
                benign_templates=tuple(c.excerpt.template for c in benign_ones),
                near_misses=fires(near_misses),
                near_miss_templates=tuple(c.excerpt.template for c in near_misses),
            )
        )
    icc = Correlation(source.matrix.icc, source.matrix.benign_icc)
    return sensitivities_of(found, settings.budgets, icc)


def _monitor_without(
    source: WatchSource,
    left_out: ConcernOrganism,
    benign: Sequence[WatchedActivations],
    settings: MonitorSettings,
) -> Callable[[Sequence[Conversation]], tuple[bool, ...]]:
    """Which conversations fire with a monitor that never saw the organism; none without a monitor."""
    scoring = choose_watched(source, left_out)
    if scoring is None:
        return lambda conversations: (False,) * len(conversations)
    calibration, _ = calibrate_benign(scoring, benign_values(scoring, benign), settings)
    threshold = 0.0 if calibration.threshold is None else calibration.threshold

    def fires(conversations: Sequence[Conversation]) -> tuple[bool, ...]:
        if not conversations:
            return ()
        values = values_of(scoring, [WatchedActivations.of(c) for c in conversations])
        return tuple(bool(above) for above in scores_of_values(scoring, values) > threshold)

    return fires
