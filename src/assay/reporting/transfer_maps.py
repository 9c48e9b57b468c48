"""The transfer matrix as drawings: one map, a map for each strategy, and ROC curves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

from assay.concerns.matrix.admission import (
    RANDOM_CONTROLS,
    budgets_of,
    fires_on_twin,
)
from assay.concerns.matrix.cells import Cell, TwinCell
from assay.concerns.matrix.chosen_cells import cells_chosen_elsewhere
from assay.concerns.matrix.result import (
    RocCurve,
    TransferMatrix,
)
from assay.reporting.heat_map import Square, draw_heat_map, square_of_cell, square_of_twin
from assay.reporting.number_format import words
from assay.reporting.roc_curves import detector_order, draw_roc_curves

Row = TypeVar("Row", Cell, TwinCell)


@dataclass(frozen=True)
class Drawing:
    """A drawing and what stands above it."""

    name: str
    """The strategy, or the organism."""
    svg: str
    """The drawing."""


def strategy_maps(matrix: TransferMatrix, headings: Mapping[str, str]) -> tuple[Drawing, ...]:
    """A heat map for each strategy, without random controls; ``headings`` name the organisms."""
    return _maps(matrix.cells, headings, lambda cell: square_of_cell(cell, headings))


def twin_maps(matrix: TransferMatrix, headings: Mapping[str, str]) -> tuple[Drawing, ...]:
    """The same on twins, under the parent's trigger."""
    budgets = budgets_of(matrix)
    return _maps(
        matrix.twin_cells,
        headings,
        lambda twin: square_of_twin(twin, headings, fires=fires_on_twin(twin, budgets)),
    )


def _maps(
    rows: Sequence[Row], headings: Mapping[str, str], square_of: Callable[[Row], Square]
) -> tuple[Drawing, ...]:
    drawn = []
    shown = [row for row in rows if row.detector not in RANDOM_CONTROLS]
    for strategy in strategies_of(shown):
        own = [row for row in shown if row.strategy == strategy]
        squares = [square_of(row) for row in own]
        columns = _columns(headings, (row.organism for row in own))
        drawn.append(Drawing(strategy, draw_heat_map(squares, columns, _rows(own))))
    return tuple(drawn)


def chosen_map(matrix: TransferMatrix, headings: Mapping[str, str]) -> str | None:
    """One heat map: each detector by the strategy best on the other organisms; None without cells."""
    cells = cells_chosen_elsewhere(matrix)
    if not cells:
        return None
    squares = [square_of_cell(cell, headings) for cell in cells]
    columns = _columns(headings, (cell.organism for cell in cells))
    return draw_heat_map(squares, columns, _rows(cells))


def controls_in_words(matrix: TransferMatrix) -> str:
    """What directions that learned nothing reach, in a sentence; empty where there are none."""
    areas = [
        cell.auroc
        for cell in matrix.cells
        if cell.detector in RANDOM_CONTROLS and cell.auroc is not None
    ]
    if not areas:
        return ""
    names = dict.fromkeys(words(c.detector) for c in matrix.cells if c.detector in RANDOM_CONTROLS)
    return (
        f"Controls that learned nothing ({', '.join(names)}; {len(areas):,} cells) have a median "
        f"AUROC of {median(areas):.2f} and a largest of {max(areas):.2f}."
    )


def roc_drawings(matrix: TransferMatrix) -> tuple[Drawing, ...]:
    """One drawing an organism: each detector from the strategy where its AUROC is highest."""
    areas = {
        (cell.strategy, cell.detector, cell.organism): cell.auroc
        for cell in matrix.cells
        if cell.auroc is not None
    }
    best: dict[str, dict[str, tuple[float, RocCurve]]] = {}
    for curve in matrix.roc:
        area = areas[curve.strategy, curve.detector, curve.organism]
        found = best.setdefault(curve.organism, {})
        if curve.detector not in found or area > found[curve.detector][0]:
            found[curve.detector] = (area, curve)
    return tuple(
        Drawing(
            organism.name,
            draw_roc_curves(
                [
                    best[organism.name][detector][1]
                    for detector in sorted(best[organism.name], key=detector_order)
                ],
                matrix.fpr_budget,
            ),
        )
        for organism in matrix.organisms
        if organism.name in best
    )


def strategies_of(rows: Iterable[Cell | TwinCell]) -> list[str]:
    """The strategies of some cells, in order."""
    return list(dict.fromkeys(row.strategy for row in rows))


def _columns(headings: Mapping[str, str], present: Iterable[str]) -> list[str]:
    names = set(present)
    return [words for name, words in headings.items() if name in names]


def _rows(cells: Iterable[Cell | TwinCell]) -> list[str]:
    return [words(name) for name in sorted({cell.detector for cell in cells}, key=detector_order)]
