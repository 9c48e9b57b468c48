"""Strategy off_policy: the tested organism reads others' misbehaviour (Roger 2023, "Coup probes")."""

from __future__ import annotations

from assay.concerns.strategies.strategy import Elicited, Options, Setting, Strategy

READING = "by the tested organism"
"""Name of the reading: discover conversations of a few other organisms, read by the tested
    organism."""


def elicit(setting: Setting, options: Options) -> Elicited:
    """Other organisms' conversations, with activations of the tested organism."""
    return Elicited(
        "off_policy",
        setting.from_others(READING),
        note="written by others, read by the deployed model",
    )


STRATEGY = Strategy(
    name="off_policy",
    description="the deployed model reads transcripts of harm that it did not write",
    elicit=elicit,
    generates=False,
)
