"""Other organisms act by themselves: fine-tuned to misbehave, and never the one that is tested."""

from __future__ import annotations

from assay.concerns.strategies.strategy import Elicited, Options, Setting, Strategy

READING = "by its author"
"""Discover conversations of each organism up to the payload, read by that organism itself."""


def elicit(setting: Setting, options: Options) -> Elicited:
    """Each other organism's own conversations, up to the payload, with its own activations."""
    return Elicited(
        "perturbed.finetune",
        setting.from_others(READING),
        note="other organisms, on-policy, up to their payload",
    )


STRATEGY = Strategy(
    name="perturbed.finetune",
    description="another organism's adapter, never the tested one's",
    elicit=elicit,
    generates=False,
)
