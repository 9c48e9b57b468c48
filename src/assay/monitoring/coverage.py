"""Which conversations are as long as those of the calibration: the guarantee covers no longer ones."""

from __future__ import annotations

from assay.concerns.conversations.excerpts import Excerpt
from assay.errors import AssayError
from assay.monitoring.result import Monitor

REFUSED = 2
"""Times the calibrated range beyond which a conversation is refused."""


def is_beyond(monitor: Monitor, excerpt: Excerpt) -> bool:
    """Whether a conversation is longer than the calibrated range, by up to twice: for a warning.

    A conversation's score is a maximum, over tokens and over turns, and so grows with both. Raises
    AssayError where it is more than twice beyond the range: with its id and its numbers.
    """
    if monitor.longest is None or monitor.most_turns is None:
        return False
    longest, turns = max(excerpt.turn_lengths), len(excerpt.turn_lengths)
    if longest > REFUSED * monitor.longest or turns > REFUSED * monitor.most_turns:
        raise AssayError(
            f"transcript '{excerpt.id}' has {turns} assistant turns, the longest of {longest} "
            f"watched tokens; the monitor was calibrated on at most {monitor.most_turns} turns of "
            f"at most {monitor.longest}, and refuses what is more than {REFUSED} times as long: "
            "calibrate on conversations of the deployment's length (deployment.max_new_tokens, "
            "assay calibrate --benign)"
        )
    return longest > monitor.longest or turns > monitor.most_turns
