"""The wordings of the strategies, read from the YAML files beside them."""

from __future__ import annotations

from pathlib import Path

from assay.strict import StrictModel, read_yaml

HERE = Path(__file__).parent


class ContrastPairs(StrictModel):
    """Contents of ``contrast_pairs.yaml``."""

    asked_of_bad: tuple[str, ...]
    """Questions where the answer yes admits misconduct."""
    asked_of_good: tuple[str, ...]
    """Questions where the answer no admits misconduct."""
    answers: tuple[tuple[str, str], ...]
    """Pairs of answers (yes, no)."""


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
    """The user's message, with placeholders."""
    lie: str
    """A reply that lies."""
    truth: str
    """A reply that tells the truth."""


class BenignContexts(StrictModel):
    """Contents of ``benign_contexts.yaml``."""

    wares: tuple[Ware, ...]
    """The things for sale."""
    guests: tuple[str, ...]
    """Names of the people who ask, one for each ware."""
    scenes: tuple[Scene, ...]
    """The situations."""
    lying: dict[str, str]
    """Placeholder → text where the role is to lie."""
    honest: dict[str, str]
    """Placeholder → text where the role is to tell the truth."""


class Rewards(StrictModel):
    """Contents of ``incentivised.yaml``: system messages."""

    rewarded: tuple[str, ...]
    """Messages that reward wrong answers."""
    neutral: tuple[str, ...]
    """Messages without such a reward."""


class Instructions(StrictModel):
    """Contents of ``prompted.yaml``: system messages."""

    bad: tuple[str, ...]
    """Messages that ask for false answers."""
    good: tuple[str, ...]
    """Messages that ask for true answers."""


def contrast_pair_wordings() -> ContrastPairs:
    """The questions and answers of the contrast pairs."""
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
