"""A limit of detection with figures of a usual size, for results that hold one."""

from __future__ import annotations

from assay.concerns.matrix.limit_result import LimitOfDetection


def a_limit(organism, median, interval, **changes):
    """The limit for random directions in every token; ``changes`` are other fields."""
    fields = {
        "organism": organism,
        "directions": "random",
        "planted_in": "every token",
        "count": 20,
        "admitted": 20,
        "median": median,
        "interval": interval,
        "mahalanobis": None if median is None else 1.3 * median,
        "largest": 4.0,
        "n_planted": 200,
        "n_benign": 210,
    }
    return LimitOfDetection(**(fields | changes))
