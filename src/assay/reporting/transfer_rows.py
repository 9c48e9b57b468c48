"""The transfer matrix as the rows of its tables, and a card for each organism."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.concerns.matrix.admission import (
    beats_random,
    budgets_of,
    fires_on_twin,
    silent_on_twins,
)
from assay.concerns.matrix.cells import Ablation, Cell, TwinCell
from assay.concerns.matrix.reference_result import ReferenceFigures
from assay.concerns.matrix.result import (
    ContextFrequency,
    LeftOut,
    TransferMatrix,
)
from assay.reporting.number_format import words
from assay.reporting.reply_view import ReplyView, reply_view
from assay.reporting.roc_curves import detector_order
from assay.reporting.transfer_maps import strategies_of


@dataclass(frozen=True)
class TwinRow:
    """A detector on a twin, as a row of a table."""

    cell: TwinCell
    """Its figures."""
    fires: bool
    """Whether it is shown to fire there more often than false alarms may."""
    silent: bool | None
    """Whether it is shown not to fire there; neither where the conversations are too few."""


@dataclass(frozen=True)
class StrategyTable:
    """Every cell of one strategy."""

    strategy: str
    """The strategy."""
    cells: tuple[Cell, ...]
    """Its cells, organism by organism."""
    twins: tuple[TwinRow, ...]
    """The same detectors on twins."""


@dataclass(frozen=True)
class AblationRow:
    """A causal effect, as a row of a table."""

    found: Ablation
    """Its figures."""
    beats_random: bool
    """Whether it passes the rule of admission, which asks more than that it lowers the log-odds."""
    lowest: float
    """The most negative effect of the random ablations."""
    highest: float
    """The least negative, or most positive, one."""


@dataclass(frozen=True)
class ContextTable:
    """Where the detector of a medium concern fires, for one organism."""

    organism: str
    """The organism."""
    detector: str
    """Which detector, in words."""
    rows: tuple[ContextFrequency, ...]
    """The contexts: misbehaviour first, then those that are allowed."""


@dataclass(frozen=True)
class ReferenceRow:
    """The reference detectors on one organism, as a row of a table."""

    verified: bool
    """Whether the organism passed its own verification."""
    found: ReferenceFigures
    """Their figures in the first window."""
    early: tuple[ReferenceFigures, ...]
    """Those in the other windows."""


@dataclass(frozen=True)
class OrganismCard:
    """One organism under the detector that was chosen on the others, with replies to look at."""

    row: LeftOut
    """Its figures."""
    verified: bool
    """Whether the organism passed its own verification."""
    cell: Cell | None
    """The chosen detector's cell, which says why it is not admitted; None where nothing was chosen."""
    replies: tuple[ReplyView, ...]
    """Up to three replies: caught, missed, and the benign one with the largest score."""


def reference_rows(matrix: TransferMatrix) -> tuple[ReferenceRow, ...]:
    """The reference detectors on each organism, in the matrix's window and beside it in the others."""
    return tuple(
        ReferenceRow(
            verified=matrix.organism(found.organism).admitted,
            found=found,
            early=tuple(
                other
                for other in matrix.references
                if other.organism == found.organism and other.window != matrix.window
            ),
        )
        for found in matrix.references
        if found.window == matrix.window
    )


def ablation_row(found: Ablation) -> AblationRow:
    """An ablation with the range of its random ones."""
    return AblationRow(found, beats_random(found), min(found.random), max(found.random))


def strategy_tables(matrix: TransferMatrix) -> tuple[StrategyTable, ...]:
    """Every cell of each strategy, organism by organism, with its detectors on twins."""
    budgets = budgets_of(matrix)
    order = [organism.name for organism in matrix.organisms]

    def place(row: Cell | TwinCell) -> tuple[int, int]:
        return order.index(row.organism), detector_order(row.detector)

    return tuple(
        StrategyTable(
            strategy,
            tuple(sorted((c for c in matrix.cells if c.strategy == strategy), key=place)),
            tuple(
                TwinRow(twin, fires_on_twin(twin, budgets), silent_on_twins([twin]))
                for twin in sorted(matrix.twin_cells, key=place)
                if twin.strategy == strategy
            ),
        )
        for strategy in strategies_of(matrix.cells)
    )


def context_tables(rows: Sequence[ContextFrequency]) -> tuple[ContextTable, ...]:
    """For each organism of a medium concern the contexts in which the detector fires."""
    found = []
    for name in dict.fromkeys(row.organism for row in rows):
        own = [row for row in rows if row.organism == name]
        detector = f"{words(own[0].detector)} learned by {own[0].strategy}"
        order = sorted(own, key=lambda row: (not row.misbehaves, not row.allowed, row.context))
        found.append(ContextTable(name, detector, tuple(order)))
    return tuple(found)


def organism_cards(matrix: TransferMatrix) -> tuple[OrganismCard, ...]:
    """Each organism under the detector chosen on the others, with its replies."""
    cells = {(c.organism, c.strategy, c.detector): c for c in matrix.cells}
    return tuple(
        OrganismCard(
            row=row,
            verified=matrix.organism(row.held_out).admitted,
            cell=cells.get((row.held_out, row.strategy or "", row.detector or "")),
            replies=tuple(
                reply_view(reply) for reply in matrix.replies if reply.organism == row.held_out
            ),
        )
        for row in matrix.leave_one_out
    )
