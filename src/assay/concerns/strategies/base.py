"""The model before it was fine-tuned reads what others wrote: features that predate the organism."""

from __future__ import annotations

from assay.concerns.strategies.strategy import Elicited, Options, Setting, Strategy

READING = "by the case's model"
"""Whole discover conversations of the concern's organisms, read by the case's model."""


def elicit(setting: Setting, options: Options) -> Elicited:
    """Other organisms' conversations as the model without any adapter reads them."""
    return Elicited("base", setting.from_others(READING), note="read without any adapter")


STRATEGY = Strategy(
    name="base",
    description="features of the model before fine-tuning, applied to the deployed one",
    elicit=elicit,
    generates=False,
)
