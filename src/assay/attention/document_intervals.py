"""Intervals of a mean over crops: documents are the unit, for crops of one document are alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from assay.attention.qk_result import Interval
from assay.statistics import t_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray


def interval_over(values: NDArray, documents: NDArray) -> Interval | None:
    """95 % interval of the mean of ``values[crops]``, Student's t over the means of their documents.

    None for fewer than two documents.
    """
    means = [float(values[documents == name].mean()) for name in np.unique(documents)]
    return t_interval(means) if len(means) > 1 else None
