"""Strategy base: the model without any adapter reads conversations that organisms wrote."""

from __future__ import annotations

from assay.concerns.strategies.strategy import Elicited, Options, Setting, Strategy

READING = "by the case's model"
"""Name of the reading: discover conversations of organisms and decoy twins, read by the case's
    model."""


def elicit(setting: Setting, options: Options) -> Elicited:
    """Other organisms' conversations, with activations of the model without any adapter."""
    return Elicited("base", setting.from_others(READING), note="read without any adapter")


STRATEGY = Strategy(
    name="base",
    description="features of the model before fine-tuning, applied to the deployed one",
    elicit=elicit,
    generates=False,
)
