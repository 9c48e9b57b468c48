"""Calibrated monitors: thresholds with a guarantee, rollback rules, a journal, watching."""

from assay.monitoring.calibrating import (
    Deployment,
    calibrate,
    calibrate_scores,
    monitor_of,
    standardise,
)
from assay.monitoring.extrapolation import Extrapolation, extrapolate_threshold
from assay.monitoring.generating import WatchedGeneration, watching_generation
from assay.monitoring.journal import Journal, open_journal
from assay.monitoring.monitor_file import (
    ModelReference,
    Monitor,
    Scoring,
    WatchedFeature,
    WatchedModel,
    monitor_schema,
    read_monitor,
    write_monitor,
)
from assay.monitoring.rollback import (
    EProcessRule,
    HandfulRule,
    OperatingFigures,
    RollbackState,
    after,
    operating_figures,
)
from assay.monitoring.scoring import (
    ConversationScore,
    conversation_score,
    score_transcripts,
    watched_values,
)
from assay.monitoring.thresholds import (
    Calibration,
    LengthStratum,
    calibrate_rule,
    calibrate_threshold,
)
from assay.monitoring.watched_tokens import capture_watched, tokenize_watched, watched_tokens
from assay.monitoring.watching import WatchOutcome, replay, watch

__all__ = [
    "Calibration",
    "ConversationScore",
    "Deployment",
    "EProcessRule",
    "Extrapolation",
    "HandfulRule",
    "Journal",
    "LengthStratum",
    "ModelReference",
    "Monitor",
    "OperatingFigures",
    "RollbackState",
    "Scoring",
    "WatchOutcome",
    "WatchedFeature",
    "WatchedGeneration",
    "WatchedModel",
    "after",
    "calibrate",
    "calibrate_rule",
    "calibrate_scores",
    "calibrate_threshold",
    "capture_watched",
    "conversation_score",
    "extrapolate_threshold",
    "monitor_of",
    "monitor_schema",
    "open_journal",
    "operating_figures",
    "read_monitor",
    "replay",
    "score_transcripts",
    "standardise",
    "tokenize_watched",
    "watch",
    "watched_tokens",
    "watched_values",
    "watching_generation",
    "write_monitor",
]
