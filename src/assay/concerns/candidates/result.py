"""candidates.json: which features may stand for each concern, and what they fire on."""

from __future__ import annotations

from typing import ClassVar, Literal

from assay.frames import DataFrame, frame_of
from assay.results import Figures, Result

Example = tuple[tuple[str, float], ...]
"""A conversation's tokens around the strongest, each with the feature's activation."""


class StrategyYield(Figures):
    """What one strategy elicited for one concern."""

    concern: str
    """The concern."""
    name: str
    """The strategy."""
    positives: int
    """Conversations that misbehave."""
    negatives: int
    """Conversations that do not."""
    discarded: int
    """Conversations that were generated and not used: broken, or not what was asked for."""
    refused: int
    """Conversations in which misbehaviour was asked for and did not happen."""
    note: str
    """What a reader must know."""


class LabelScore(Figures):
    """How often a label was right on held-out examples."""

    estimate: float
    """Share right; .5 is chance: half of the examples are true."""
    ci: tuple[float, float]
    """95 % Clopper–Pearson."""
    n: int
    """Examples."""


class Candidate(Figures):
    """A feature that may stand for a concern."""

    feature: int
    """Its index in the dictionary."""
    name: str
    """The concern's name and the index."""
    concern: str
    """The concern."""
    strategy: str
    """The strategy by which it was found."""
    contrast: float
    """Welch's t of its largest activation, misbehaving against benign conversations."""
    auroc: float
    """AUROC on the conversations that it was chosen by: selected, so optimistic."""
    p: float
    """Family-wise p by max-T permutation, times the number of strategies (Bonferroni)."""
    position_label: str | None
    """Its label by the position audit; None where no label rests on the causal design."""
    position_warning: str | None
    """What the label means for a monitor, where it is not content or additive."""
    label: str
    """What it fires on, by the labeller."""
    detection: LabelScore | None
    """Whether the label tells activating from silent examples; None without held-out examples."""
    fuzzing: LabelScore | None
    """Whether the label tells strong tokens from others; None without held-out examples."""
    attribution: float | None
    """Mean over the concern's organisms of its attribution, nats; None where none was measured."""
    promoted: tuple[tuple[str, float], ...]
    """Tokens that its decoder direction promotes most (logit lens), with the score."""
    examples: tuple[Example, ...]
    """Where it is strongest."""
    random_examples: tuple[Example, ...]
    """Where it fires, drawn at random."""


class CandidateReport(Result):
    """Every concern's candidate features, and what each strategy elicited."""

    FILE: ClassVar[str] = "candidates.json"
    MADE_BY: ClassVar[str] = "assay find CASE.yaml"

    version: Literal[2] = 2
    """Version of the layout."""
    seed: int
    """Every random draw derives from it."""
    inputs: dict[str, str]
    """Name → sha256 of what it was computed from: model, dictionary, organisms."""
    strategies: tuple[StrategyYield, ...]
    """What was elicited."""
    candidates: tuple[Candidate, ...]
    """The candidates, concern by concern, the best first."""

    def to_frame(self) -> DataFrame:
        """The candidates as a pandas table, one row each. Raises AssayError without pandas."""
        return frame_of(self.candidates, Candidate)
