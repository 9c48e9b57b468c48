"""Strategy few_shot(k): off_policy plus k misbehaving conversations of the tested organism itself."""

from __future__ import annotations

from assay.concerns.strategies import off_policy
from assay.concerns.strategies.strategy import Elicited, Options, Setting, Strategy
from assay.randomness import numpy_generator

READING = "the tested organism's own"
"""Name of the reading: discover conversations of the tested organism, read by itself."""
WEIGHT = 4
"""How many times each on-policy conversation is repeated."""


def elicit(setting: Setting, options: Options) -> Elicited:
    """Off-policy conversations, plus k positives and k negatives of the tested organism.

    The latter come from its discover split, which shares no template with its test split. With
    k = 0 this is ``off_policy``.
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
    description="off_policy plus k conversations in which the tested organism misbehaved",
    elicit=elicit,
    generates=False,
    options=("k",),
    transfers=False,
)
