"""Strategy prompted: the model is instructed to misbehave, or not to; refusals are counted."""

from __future__ import annotations

from assay.concerns.strategies.questions import elicit_answers
from assay.concerns.strategies.strategy import Elicited, Options, Setting, Strategy
from assay.concerns.strategies.wordings import instruction_wordings


def elicit(setting: Setting, options: Options) -> Elicited:
    """Answers to the same questions under both instructions; right answers of a model told to lie are
    refusals."""
    wordings = instruction_wordings()
    return elicit_answers(
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
