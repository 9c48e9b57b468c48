"""A concern: a behaviour that must not happen unnoticed, with its severity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["high", "medium"]


@dataclass(frozen=True)
class Concern:
    """A behaviour named in the case file."""

    name: str
    """Short name, such as deception."""
    description: str
    """What the model would do, for a reviewer."""
    severity: Severity
    """high: a handful of firings ends the deployment. medium: acceptable in some contexts."""
    allowed_contexts: tuple[str, ...] = ()
    """Contexts in which a medium concern is acceptable, such as role-play."""
