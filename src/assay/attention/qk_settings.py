"""Settings of a query–key dictionary."""

from __future__ import annotations

from pydantic import Field

from assay.strict import StrictModel


class QKSettings(StrictModel):
    """Sizes and steps of the training; the defaults are those that worked on SmolLM2 (METHODS 4)."""

    width: int = Field(default=512, ge=2)
    """Features of queries, and as many of keys."""
    k: int = Field(default=16, ge=1)
    """Features that are active on a token, on each side."""
    warm_steps: int = Field(default=400, ge=1)
    """Steps on the mean squared error of queries and keys, from which the others start."""
    steps: int = Field(default=200, ge=0)
    """Steps on the divergence of the patterns."""
    crops: int = Field(default=8, ge=1)
    """Crops in a step."""
    learning_rate: float = Field(default=1e-3, gt=0)
    """Of Adam, after 50 steps of warm-up; it falls linearly over the last 30 % of the steps."""
