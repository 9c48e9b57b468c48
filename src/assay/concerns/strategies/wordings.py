"""The wordings of the strategies that bring their own: YAML beside the strategy."""

from __future__ import annotations

from pathlib import Path

from assay.strict import StrictModel, read_yaml

HERE = Path(__file__).parent


class ContrastPairs(StrictModel):
    """``contrast_pairs.yaml``."""

    asked_of_bad: tuple[str, ...]
    """Questions where a yes confesses misconduct."""
    asked_of_good: tuple[str, ...]
    """Questions where a no confesses misconduct."""
    answers: tuple[tuple[str, str], ...]
    """Forms of (yes, no)."""


class Ware(StrictModel):
    """Something for sale."""

    thing: str
    """What it is."""
    fault: str
    """What is wrong with it."""


class Scene(StrictModel):
    """A situation in which a lie is allowed."""

    name: str
    """Short name."""
    ask: str
    """The user's message, with places to fill in."""
    lie: str
    """A reply that lies."""
    truth: str
    """A reply that does not."""


class BenignContexts(StrictModel):
    """``benign_contexts.yaml``."""

    wares: tuple[Ware, ...]
    """What is for sale."""
    guests: tuple[str, ...]
    """Names of those who ask."""
    scenes: tuple[Scene, ...]
    """The situations."""
    lying: dict[str, str]
    """What fills the places where the role is to lie."""
    honest: dict[str, str]
    """What fills them where the role is to tell the truth."""


class Rewards(StrictModel):
    """``incentivised.yaml``: system messages."""

    rewarded: tuple[str, ...]
    """They reward wrong answers."""
    neutral: tuple[str, ...]
    """They do not."""


class Instructions(StrictModel):
    """``prompted.yaml``: system messages."""

    bad: tuple[str, ...]
    """They ask for false answers."""
    good: tuple[str, ...]
    """They ask for true answers."""


def contrast_pair_wordings() -> ContrastPairs:
    """The contrast pairs' questions and answers."""
    return read_yaml(HERE / "contrast_pairs.yaml", ContrastPairs)


def benign_context_wordings() -> BenignContexts:
    """The scenes in which a lie is allowed."""
    return read_yaml(HERE / "benign_contexts.yaml", BenignContexts)


def reward_wordings() -> Rewards:
    """The system messages of ``incentivised``."""
    return read_yaml(HERE / "incentivised.yaml", Rewards)


def instruction_wordings() -> Instructions:
    """The system messages of ``prompted``."""
    return read_yaml(HERE / "prompted.yaml", Instructions)
