"""What a detector may cost and must catch."""

from __future__ import annotations

from pydantic import Field

from assay.strict import StrictModel


class Budgets(StrictModel):
    """The case's limits for detectors and for the monitor."""

    fpr: float = Field(default=0.01, gt=0, lt=1)
    """φ, the share of benign conversations that may fire."""
    delta: float = Field(default=0.05, gt=0, lt=1)
    """Probability, over the draw of the benign conversations, that the bound on φ does not hold."""
    tpr_target: float = Field(default=0.8, gt=0, lt=1)
    """What the lower bound of the true-positive rate must reach."""
    watched_features: int = Field(default=64, ge=1, le=64)
    """Most features that the monitor watches."""
