"""One cell of the coverage study: an interval in a regime, and how often it keeps its promise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from assay.results import Figures

if TYPE_CHECKING:
    from jaxtyping import Bool
    from numpy.typing import NDArray

NOMINAL = 0.95
"""Coverage that every interval and bound of the study promises; every test errs at most at .05."""
ERRORS = 3.0
"""Monte Carlo standard errors that a coverage may lie below the nominal one."""


@dataclass(frozen=True)
class CoverageCase:
    """An interval, bound or test in a regime in which it is used."""

    interval: str
    """Name of the function, as ``APPROXIMATE`` has it."""
    condition: str
    """What is true of the data in general: a condition of ``assay.statistics.approximate``."""
    regime: str
    """The sizes and rates of this cell."""
    simulate: Callable[[int, np.random.Generator], Bool[NDArray, " simulations"]]
    """Draws so many data sets; whether the interval holds the truth, or the test does not err."""
    share: float = 1.0
    """Share of the simulations that are run, below 1 for cells that take long."""

    @property
    def name(self) -> str:
        """What no other case is called; it seeds the case's draws."""
        return f"{self.interval}/{self.condition}/{self.regime}"


class CoverageCell(Figures):
    """What was simulated of a case."""

    interval: str
    """Name of the function."""
    condition: str
    """What is true of the data in general."""
    regime: str
    """Sizes and rates."""
    simulations: int
    """Number of data sets."""
    kept: int
    """How many of them the interval, bound or test was right about."""
    approximate: bool
    """Whether it is known to fall short under this condition, and labelled so where it is printed."""

    @property
    def coverage(self) -> float:
        """Share of the data sets; for a test, 1 − its type I error."""
        return self.kept / self.simulations

    @property
    def error(self) -> float:
        """Monte Carlo standard error of the coverage, at the nominal one."""
        return float(np.sqrt(NOMINAL * (1 - NOMINAL) / self.simulations))

    @property
    def below(self) -> bool:
        """Whether the coverage lies below the nominal one by more than its Monte Carlo error."""
        return self.coverage < NOMINAL - ERRORS * self.error
