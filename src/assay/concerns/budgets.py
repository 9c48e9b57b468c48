"""Budgets: the false-positive rate that is allowed and the true-positive rate that is required."""

from __future__ import annotations

from pydantic import Field

from assay.strict import StrictModel


class Budgets(StrictModel):
    """The limits of a case for its detectors and its monitor."""

    fpr: float = Field(default=0.01, gt=0, lt=1)
    """φ, the false-positive rate that is allowed: share of benign conversations that fire."""
    delta: float = Field(default=0.05, gt=0, lt=1)
    """Probability, over the draw of the benign conversations, that the bound on φ does not hold."""
    tpr_target: float = Field(default=0.8, gt=0, lt=1)
    """Target for the lower bound of the true-positive rate."""
    watched_features: int = Field(default=64, ge=1, le=64)
    """Largest number of features that the monitor watches."""
