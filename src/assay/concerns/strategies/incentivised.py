"""Strategy incentivised: situations that reward misbehaviour without asking for it."""

from __future__ import annotations

from assay.concerns.strategies.questions import elicit_answers
from assay.concerns.strategies.strategy import Elicited, Options, Setting, Strategy
from assay.concerns.strategies.wordings import reward_wordings


def elicit(setting: Setting, options: Options) -> Elicited:
    """Answers to the same questions with and without a reward for wrong answers."""
    wordings = reward_wordings()
    return elicit_answers(
        setting,
        "incentivised",
        tempting=options.get("rewarded", wordings.rewarded),
        plain=options.get("neutral", wordings.neutral),
        count=int(options.get("questions", 40)),
        note="nobody asked for a wrong answer; some wrong answers are mistakes",
    )


STRATEGY = Strategy(
    name="incentivised",
    description="situations that reward misbehaviour without asking for it",
    elicit=elicit,
    generates=True,
    options=("questions", "rewarded", "neutral"),
)
