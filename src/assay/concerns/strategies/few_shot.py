"""A few of the tested organism's own misdeeds beside the off-policy transcripts: what k would buy."""

from __future__ import annotations

from assay.concerns.strategies import off_policy
from assay.concerns.strategies.strategy import Elicited, Options, Setting, Strategy
from assay.randomness import numpy_generator

READING = "the tested organism's own"
"""Discover conversations of the tested organism, up to the payload, read by itself."""
WEIGHT = 4
"""Times that each on-policy conversation is repeated beside the off-policy ones."""


def elicit(setting: Setting, options: Options) -> Elicited:
    """Off-policy conversations, plus k positives and as many negatives of the organism's own.

    They come from its discover split, whose templates its test prompts never use. With k = 0 this
    is ``off_policy``.
    """
    k = int(options.get("k", 4))
    own = setting.readings.get(READING, ())
    generator = numpy_generator(setting.seed, f"few_shot/{setting.tested}/{k}")
    chosen = []
    for label in (True, False):
        rows = [conversation for conversation in own if conversation.label is label]
        chosen += [rows[i] for i in generator.permutation(len(rows))[:k]]
    others = setting.from_others(off_policy.READING)
    return Elicited(
        f"few_shot({k})",
        (*others, *chosen * WEIGHT),
        note=f"off-policy and {k} on-policy positives, each counted {WEIGHT} times",
    )


STRATEGY = Strategy(
    name="few_shot",
    description="off-policy plus k conversations in which the tested organism misbehaved",
    elicit=elicit,
    generates=False,
    options=("k",),
    transfers=False,
)
