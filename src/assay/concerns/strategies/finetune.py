"""Strategy perturbed.finetune: other organisms read their own conversations, and so do their decoys."""

from __future__ import annotations

from assay.concerns.strategies.strategy import Elicited, Options, Setting, Strategy

READING = "by its author"
"""Name of the reading: discover conversations of each organism and decoy twin, read by itself."""


def elicit(setting: Setting, options: Options) -> Elicited:
    """The other organisms' own conversations, with their own activations."""
    return Elicited(
        "perturbed.finetune",
        setting.from_others(READING),
        note="other organisms and their decoy twins, on-policy",
    )


STRATEGY = Strategy(
    name="perturbed.finetune",
    description="another organism's adapter, never the tested one's",
    elicit=elicit,
    generates=False,
)
