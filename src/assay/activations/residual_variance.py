"""The variance of raw activations: the figures, as typed results."""

from __future__ import annotations

import math

from assay.results import Figures


class Estimate(Figures):
    """A figure with its confidence interval."""

    value: float
    """The figure."""
    ci: tuple[float, float] | None
    """95 % interval; None where too few documents vary to compute it."""

    @classmethod
    def of(cls, value: float, low: float, high: float) -> Estimate | None:
        """From floats of any kind.

        None where the value is not finite; ``ci`` is None where an end is not.
        """
        if not math.isfinite(value):
            return None
        ends = (float(low), float(high))
        return cls(value=float(value), ci=ends if all(map(math.isfinite, ends)) else None)


class PositionShares(Figures):
    """ε² of position: the share of the variance that position explains, corrected for chance.

    A level is None where its activations do not vary.
    """

    all: Estimate | None
    """Over all tokens."""
    no_sink: Estimate | None
    """Without the left-out tokens, and without position 0."""
    no_first_8: Estimate | None
    """Without the left-out tokens, and without positions 0–7."""


class ResidualVariance(Figures):
    """How the variance of the raw activations divides, with intervals over documents."""

    sink_share: Estimate
    """Share of Σ‖x − x̄‖² that the left-out tokens account for."""
    epsilon2: PositionShares
    """ε² of position at three levels."""
    left_out_rate: float
    """Share of tokens that are left out."""
    massive_rate: float
    """Share of tokens beyond position 0 that are massive."""
    documents: int
    """Number of distinct documents."""
    rows: int
    """Number of crops."""
