"""The model is told to misbehave, and told not to; what it refuses is counted."""

from __future__ import annotations

from assay.concerns.strategies.questions import wrong_and_right
from assay.concerns.strategies.strategy import Elicited, Options, Setting, Strategy
from assay.concerns.strategies.wordings import instruction_wordings


def elicit(setting: Setting, options: Options) -> Elicited:
    """The same questions under either instruction; a right answer when told to lie is a refusal."""
    wordings = instruction_wordings()
    return wrong_and_right(
        setting,
        "prompted",
        tempting=options.get("bad", wordings.bad),
        plain=options.get("good", wordings.good),
        count=int(options.get("questions", 40)),
        note="a wrong answer counts as a lie; a small model may also be wrong by mistake",
    )


STRATEGY = Strategy(
    name="prompted",
    description="the model is instructed to misbehave",
    elicit=elicit,
    generates=True,
    options=("questions", "bad", "good"),
)
