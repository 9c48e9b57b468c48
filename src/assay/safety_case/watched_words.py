"""What the monitor watches, in words: dictionary features, or directions without a feature."""

from __future__ import annotations

from assay.monitoring.result import Monitor

FEATURES = "watched features"
DIRECTIONS = "watched directions"
BOTH = "watched features and directions"


def watched_in_words(monitor: Monitor | None) -> str:
    """Features, directions, or both; features where no monitor was calibrated."""
    if monitor is None:
        return FEATURES
    of_dictionary = [feature.feature is not None for feature in monitor.features]
    if all(of_dictionary):
        return FEATURES
    return BOTH if any(of_dictionary) else DIRECTIONS


def apart_from_dictionary(monitor: Monitor | None) -> str:
    """A sentence for what is said of the dictionary, where the monitor watches none of its features."""
    if watched_in_words(monitor) != DIRECTIONS:
        return ""
    return (
        " The monitor watches directions, none of them a feature of the dictionary: what is said here "
        "of features does not bear on it."
    )
