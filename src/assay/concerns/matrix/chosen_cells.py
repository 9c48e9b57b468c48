"""One cell for each organism and kind of detector: its strategy is chosen on the other organisms."""

from __future__ import annotations

from assay.concerns.matrix.admission import RANDOM_CONTROLS
from assay.concerns.matrix.cells import Cell
from assay.concerns.matrix.leave_one_out import mean_areas_of_all
from assay.concerns.matrix.result import TransferMatrix
from assay.concerns.strategies import shows_transfer


def cells_chosen_elsewhere(matrix: TransferMatrix) -> tuple[Cell, ...]:
    """For each organism and detector the cell of the strategy that is best on other families.

    Best is the largest mean partial AUROC, as in ``leave_each_out``, so the organism's own figures
    played no part in the choice. The text baseline has its cells, random controls have none, nor has
    an organism on which the chosen pair was not tested.
    """
    families = {organism.name: organism.family for organism in matrix.organisms}
    able = [
        cell
        for cell in matrix.cells
        if cell.detector not in RANDOM_CONTROLS and shows_transfer(cell.strategy)
    ]
    found = []
    for name in dict.fromkeys(cell.organism for cell in able):
        elsewhere = [cell for cell in able if families[cell.organism] != families[name]]
        means = mean_areas_of_all(elsewhere, families)
        own = {(c.strategy, c.detector): c for c in able if c.organism == name}
        for detector in dict.fromkeys(cell.detector for cell in able):
            pairs = [pair for pair in means if pair[1] == detector]
            best = max(pairs, key=means.__getitem__, default=None)
            if best in own:
                found.append(own[best])
    return tuple(found)
