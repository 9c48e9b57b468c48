"""What the cells are held against: chance, the dictionary's error, and a perfect detector."""

from __future__ import annotations

from typing import Literal

from assay.concerns.matrix.cells import Interval
from assay.results import Figures


class NullDistribution(Figures):
    """What directions that learned nothing reach on one organism."""

    organism: str
    """The organism."""
    kind: Literal["random_direction", "shuffled_labels"]
    """How the directions were drawn."""
    draws: int
    """How many: at least 200 random directions, at least 20 shuffles of the labels."""
    quantile: float
    """The partial AUROC that only the corrected share of them exceeds."""
    level: float
    """That share: .05 over the number of cells of the organism that may be admitted, or the least
    that so many draws can show."""
    largest: float
    """The largest partial AUROC of all draws."""


class FeatureRecall(Figures):
    """Whether the dictionary has a feature for what an organism does, and what it leaves out."""

    organism: str
    """The organism."""
    feature: int
    """The single feature with the largest AUROC on the discover split."""
    feature_auroc: float
    """That feature on the test split."""
    feature_ci: Interval | None
    """95 %, bootstrap over templates; None where a class has too few of them."""
    raw_auroc: float
    """Logistic regression on raw activations, learned and tested on the same conversations."""
    raw_ci: Interval | None
    """95 %, bootstrap over templates."""
    error_auroc: float
    """The same on the dictionary's error x − x̂: what no feature holds."""
    error_ci: Interval | None
    """95 %, bootstrap over templates."""
    gap_ci: Interval | None
    """95 % interval of the error's AUROC less the feature's, on the same conversations, bootstrap over
    templates."""
    n: int
    """Test conversations."""
    templates: int
    """Templates of the class, positive or negative, that has fewer of them."""

    @property
    def gap(self) -> float:
        """The error's AUROC less the feature's: above 0 where the dictionary leaves out more."""
        return self.error_auroc - self.feature_auroc


class SampleSize(Figures):
    """Conversations that share templates, duplicates dropped."""

    n: int
    """Conversations."""
    templates: int
    """Templates that they come from."""
    n_effective: float
    """The number of independent conversations that they are worth."""


class BenignTestPower(Figures):
    """How probably detectors pass the check of their benign rate on one organism.

    At the intraclass correlation that was measured (``TransferMatrix.benign_icc``).
    """

    organism: str
    """The organism."""
    calibration: SampleSize
    """Benign conversations that set the thresholds."""
    needed: int
    """Effective number of them without which no threshold carries the guarantee."""
    benign_test: SampleSize
    """Benign conversations that check the thresholds."""
    oracle: float
    """Probability that a detector that separates perfectly passes; 0 without the guarantee."""
    double_rate: float
    """Probability that a detector whose true benign rate is twice the budget passes; 0 without the
    guarantee."""
