"""candidates.json: the features that may stand for each concern, and what they fire on."""

from __future__ import annotations

from typing import ClassVar, Literal

from assay.frames import DataFrame, frame_of
from assay.results import Figures, Result

Example = tuple[tuple[str, float], ...]
"""Tokens of a conversation around the largest activation, each with the feature's activation."""


class StrategyYield(Figures):
    """What one strategy elicited for one concern."""

    concern: str
    """The concern."""
    name: str
    """The strategy."""
    positives: int
    """Number of conversations with misbehaviour."""
    negatives: int
    """Number of conversations without misbehaviour."""
    discarded: int
    """Number of generated conversations that were not used: broken, or without what was asked for."""
    refused: int
    """Number of conversations in which the model was asked to misbehave and did not."""
    note: str
    """What a reader must know about the strategy's conversations."""


class LabelScore(Figures):
    """How often a label's predictions were right on held-out examples."""

    estimate: float
    """Share of right predictions; chance is .5, because half of the examples are positive."""
    ci: tuple[float, float]
    """95 % Clopper–Pearson."""
    n: int
    """Number of predictions."""


class Candidate(Figures):
    """A feature that may stand for a concern."""

    feature: int
    """Its index in the dictionary."""
    name: str
    """The concern's name and the feature's index."""
    concern: str
    """The concern."""
    strategy: str
    """The strategy whose conversations ranked it best."""
    contrast: float
    """Welch's t of its largest activation, misbehaving against benign conversations."""
    auroc: float
    """AUROC on the conversations that selected it, therefore optimistic."""
    p: float
    """Family-wise p-value by max-T permutation, times the numbers of strategies and of
    concerns (Bonferroni)."""
    p_smallest: float
    """The smallest p that so many permutations can give, corrected alike: a p equal to it may be far
    smaller in truth, and does not order the candidates."""
    position_label: str | None
    """Its label in the position audit; None where the causal design was not run."""
    position_warning: str | None
    """Warning for a monitor, where the position label is not content or additive; else None."""
    label: str
    """What it fires on, in the labeller's words."""
    detection: LabelScore | None
    """Whether the label distinguishes activating from silent examples; None without held-out
    examples."""
    fuzzing: LabelScore | None
    """Whether the label distinguishes strong tokens from others; None without held-out examples."""
    attribution: float | None
    """Its mean attribution over the concern's organisms, nats; None where none was measured."""
    promoted: tuple[tuple[str, float], ...]
    """Tokens that its decoder direction promotes most (logit lens), each with its logit."""
    examples: tuple[Example, ...]
    """Contexts with its largest activations."""
    random_examples: tuple[Example, ...]
    """Random contexts in which it fires."""


class CandidateReport(Result):
    """Every concern's candidate features, and what each strategy elicited."""

    FILE: ClassVar[str] = "candidates.json"
    MADE_BY: ClassVar[str] = "assay find CASE.yaml"

    version: Literal[2] = 2
    """Version of the layout."""
    seed: int
    """Seed of every random draw."""
    inputs: dict[str, str]
    """Name → sha256 of the inputs: model, dictionary, organisms."""
    strategies: tuple[StrategyYield, ...]
    """What each strategy elicited, for each concern."""
    candidates: tuple[Candidate, ...]
    """The candidates, concern by concern, best first."""

    def to_frame(self) -> DataFrame:
        """The candidates as a pandas table with a row for each. Raises AssayError without pandas."""
        return frame_of(self.candidates, Candidate)
