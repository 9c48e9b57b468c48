"""The ROC curves that the report draws of each organism."""

from __future__ import annotations

from collections.abc import Sequence

from assay.concerns.matrix.admission import TEXT, is_control
from assay.concerns.matrix.measuring import MeasuredCell
from assay.concerns.matrix.result import RocCurve
from assay.concerns.matrix.scores import curve
from assay.concerns.strategies import shows_transfer

CURVES = 6
"""Largest number of ROC curves for each organism."""


def drawn_curves(cells: Sequence[MeasuredCell]) -> tuple[RocCurve, ...]:
    """The ROC curves of the best detectors on each organism that may be admitted, and of text.

    A strategy that sees the tested organism draws none: its curves would stand above all others.
    """
    kept = []
    for name in dict.fromkeys(cell.organism for cell in cells):
        tested = [c for c in cells if c.organism == name and c.auroc is not None]
        tested.sort(key=lambda c: -(c.auroc or 0))
        best = [c for c in tested if not is_control(c.strategy, c.detector)][: CURVES - 1]
        best += [c for c in tested if c.detector == TEXT and shows_transfer(c.strategy)][:1]
        for cell in best:
            fpr, tpr = curve(cell.scored)
            kept.append(
                RocCurve(
                    strategy=cell.strategy,
                    detector=cell.detector,
                    organism=name,
                    fpr=fpr,
                    tpr=tpr,
                )
            )
    return tuple(kept)
