"""Levels of the audit, each of which leaves out other tokens, and the eight position bins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from assay.activations.sink import EARLY_POSITIONS
from assay.errors import unknown_name
from assay.position.result import Level

if TYPE_CHECKING:
    from numpy.typing import NDArray

FIRST_POSITION: dict[Level, int] = {"all": 0, "no_sink": 1, "no_first_8": EARLY_POSITIONS}
"""First position of each level. ``all`` holds every token; the other two also leave out massive
tokens at any position."""

BINS = 8
"""Position bins for the magnitude given firing and for the selectivity."""


def check_level(level: str) -> Level:
    """The level itself. Raises AssayError, with the valid names, for an unknown one."""
    if level not in FIRST_POSITION:
        raise unknown_name("level", level, FIRST_POSITION)
    return level


def position_bins(length: int) -> NDArray[np.int64]:
    """int64 [length]: the bin of each position of a crop; 8 bins of about equal size."""
    return np.arange(length) * min(BINS, length) // length
