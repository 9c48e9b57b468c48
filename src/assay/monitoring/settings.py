"""What a case says of its monitor."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from assay.strict import StrictModel


class Rollback(StrictModel):
    """When the model is rolled back."""

    rule: Literal["e_process", "handful"] = "e_process"
    """The rollback rule."""
    handful: int = Field(default=3, ge=0)
    """Firings that the handful rule allows without rolling back."""
    alpha: float | None = Field(default=None, gt=0, lt=1)
    """The rule's own error; by default the budgets' delta."""
