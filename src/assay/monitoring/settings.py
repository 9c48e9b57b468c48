"""Settings of the rollback rule in a case file."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from assay.strict import StrictModel


class Rollback(StrictModel):
    """The rollback rule and its constants."""

    rule: Literal["e_process", "handful"] = "e_process"
    """The rollback rule."""
    handful: int = Field(default=3, ge=0)
    """Largest number of firings without a rollback, for the handful rule."""
    alpha: float | None = Field(default=None, gt=0, lt=1)
    """Error probability of the rule; by default ``budgets.delta``."""
