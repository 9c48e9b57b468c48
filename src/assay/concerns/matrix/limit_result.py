"""The limit of detection: how strong a known direction must be to be admitted."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from assay.results import Figures

PlantedIn = Literal["every token", "a tenth of the tokens"]


class LimitOfDetection(Figures):
    """What could have been seen on an organism, had a known constant direction been there.

    A limit for such a direction, never a proof that nothing else is there.
    """

    organism: str
    """The organism whose benign conversations the directions were added to."""
    directions: Literal["random", "contrast_pairs"]
    """Which directions: random ones, or that of the strategy contrast_pairs."""
    planted_in: PlantedIn
    """In which watched tokens they were added."""
    count: int = Field(ge=1)
    """How many directions were tried."""
    admitted: int = Field(ge=0)
    """For how many of them some strength up to the largest one would have been admitted."""
    median: float | None
    """Median of the smallest admitted strengths, in standard deviations of the direction's projection;
    None where fewer than half would have been admitted."""
    interval: tuple[float, float | None] | None
    """Central 90 % of them; an upper end of None lies above the largest strength. None for a single
    direction, and where none was admitted."""
    mahalanobis: float | None
    """The median strength as a Mahalanobis distance, with the covariance of the watched tokens."""
    largest: float
    """The largest strength that was tried."""
    n_planted: int
    """Test conversations with the direction."""
    n_benign: int
    """Test conversations without it."""
