"""Which positions each level of the audit looks at, and the eight bins that positions fall into."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from assay.activations.sink import EARLY_POSITIONS
from assay.errors import unknown_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

FIRST_POSITION = {"all": 0, "no_sink": 1, "no_first_8": EARLY_POSITIONS}
"""First position of each level. ``all`` holds every token; the other two also leave out massive
tokens, wherever they are."""

BINS = 8
"""Position bins for the magnitude given firing and for the selectivity."""


def check_level(level: str) -> str:
    """The level itself. Raises AssayError for a name that is none of FIRST_POSITION."""
    if level not in FIRST_POSITION:
        raise unknown_name("level", level, FIRST_POSITION)
    return level


def position_bins(length: int) -> NDArray[np.int64]:
    """The bin of each position of a crop: 8 bins of equal size, as near as may be."""
    return np.arange(length) * min(BINS, length) // length
