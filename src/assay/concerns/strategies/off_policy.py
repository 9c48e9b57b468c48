"""The deployed model reads misbehaviour that it did not write (Roger 2023, "Coup probes")."""

from __future__ import annotations

from assay.concerns.strategies.strategy import Elicited, Options, Setting, Strategy

READING = "by the tested organism"
"""Whole discover conversations of other organisms, read by the organism under test."""


def elicit(setting: Setting, options: Options) -> Elicited:
    """Other organisms' conversations as the tested organism reads them."""
    return Elicited(
        "off_policy", setting.from_others(READING), note="written by others, read by the deployed"
    )


STRATEGY = Strategy(
    name="off_policy",
    description="the deployed model reads transcripts of harm that it did not write",
    elicit=elicit,
    generates=False,
)
