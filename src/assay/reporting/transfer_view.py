"""The transfer matrix as the page's template wants it: heat maps, tables, curves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from assay.concerns.matrix.admission import (
    RANDOM_CONTROLS,
    beats_random,
    budgets_of,
    fires_on_twin,
    is_admitted,
    is_control,
    silent_on_twins,
)
from assay.concerns.matrix.cells import Ablation, Cell, TwinCell
from assay.concerns.matrix.chosen_cells import cells_chosen_elsewhere
from assay.concerns.matrix.reference_result import LearningPoint, ReferenceFigures
from assay.concerns.matrix.result import (
    ContextFrequency,
    LeftOut,
    RocCurve,
    TestedOrganism,
    TransferMatrix,
)
from assay.reporting.heat_map import draw_heat_map, square_of_cell, square_of_twin
from assay.reporting.learning_curves import draw_learning_curves
from assay.reporting.number_format import words
from assay.reporting.palette import VIEW_NAMES
from assay.reporting.reply_view import ReplyView, reply_view
from assay.reporting.roc_curves import detector_order, draw_roc_curves
from assay.safety_case.phrases import catch_sentence, caught_sentence


@dataclass(frozen=True)
class Drawing:
    """A drawing and what stands above it."""

    name: str
    """The strategy, or the organism."""
    svg: str
    """The drawing."""


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
    replies: tuple[ReplyView, ...]
    """Up to three replies: caught, missed, and the benign one with the largest score."""


@dataclass(frozen=True)
class TransferView:
    """Everything that the section shows."""

    matrix: TransferMatrix
    """All figures."""
    headings: Mapping[str, str]
    """Organism or twin → its name, marked where it is a twin."""
    answer: str
    """How many organisms are caught, and how many a reader or the text alone would catch."""
    catch: str
    """What leaving one organism out says of a new one."""
    learning: str | None
    """The learning curve; None where it has no point."""
    learned: tuple[LearningPoint, ...]
    """Its points at the largest number of organisms, for the sentence below it."""
    view_names: Mapping[str, str]
    """What a reference detector sees, in words."""
    references: tuple[ReferenceRow, ...]
    """The reference detectors on each organism."""
    undecidable: tuple[str, ...]
    """Organisms on which directions that learned nothing reach a partial AUROC of 1."""
    judged: int
    """Cells that may be admitted: all but the text baseline and the controls."""
    admitted: int
    """Cells that are admitted."""
    triggers: int
    """Cells that only detect the trigger."""
    compared: int
    """Cells compared with the text baseline."""
    beaten: int
    """Those of them that are not shown to beat it."""
    chosen: str | None
    """One heat map: each detector by the strategy that is best on the other organisms; None without
    cells."""
    controls: str
    """What directions that learned nothing reach, in a sentence; empty where there are none."""
    cards: tuple[OrganismCard, ...]
    """Each organism with its replies."""
    panels: tuple[Drawing, ...]
    """A heat map for each strategy, without random controls."""
    twin_panels: tuple[Drawing, ...]
    """The same on twins, under the parent's trigger."""
    tables: tuple[StrategyTable, ...]
    """Every cell."""
    ablations: tuple[AblationRow, ...]
    """What removing the detectors' directions did."""
    contexts: tuple[ContextTable, ...]
    """Frequencies of medium concerns."""
    roc: tuple[Drawing, ...]
    """Curves of each organism."""


def view_transfer(matrix: TransferMatrix) -> TransferView:
    """Everything that the section shows."""
    judged = [cell for cell in matrix.cells if not is_control(cell.strategy, cell.detector)]
    headings = {organism.name: organism_heading(organism) for organism in matrix.organisms}
    compared = [cell.beats_text for cell in judged if cell.beats_text is not None]
    return TransferView(
        matrix=matrix,
        headings=headings,
        answer=caught_sentence(matrix),
        catch=catch_sentence(matrix.catch_bound),
        learning=draw_learning_curves(matrix.learning_curve) if matrix.learning_curve else None,
        learned=_learned_from_most(matrix),
        view_names=VIEW_NAMES,
        references=_references(matrix),
        undecidable=tuple(dict.fromkeys(n.organism for n in matrix.nulls if n.quantile >= 1)),
        judged=len(judged),
        admitted=sum(is_admitted(cell.verdict) for cell in judged),
        triggers=sum(cell.verdict == "detects the trigger" for cell in judged),
        compared=len(compared),
        beaten=compared.count(False),
        chosen=_chosen_map(matrix, headings),
        controls=_controls_in_words(matrix),
        cards=_cards(matrix),
        panels=_panels(matrix, headings),
        twin_panels=_twin_panels(matrix, headings),
        tables=_tables(matrix),
        ablations=tuple(map(_ablation, matrix.ablations)),
        contexts=_contexts(matrix.contexts),
        roc=_curves(matrix),
    )


def _learned_from_most(matrix: TransferMatrix) -> tuple[LearningPoint, ...]:
    most = max((point.organisms for point in matrix.learning_curve), default=0)
    return tuple(p for p in matrix.learning_curve if (p.organisms, p.amount) == (most, "all"))


def _references(matrix: TransferMatrix) -> tuple[ReferenceRow, ...]:
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


def organism_heading(organism: TestedOrganism) -> str:
    """An organism's name, marked where it is a twin."""
    kind = organism.twin_kind
    if kind is None:
        return organism.name
    mark = {"decoy": "decoy", "benign": "benign twin", "unstated": "twin"}[kind]
    return f"{organism.name} ({mark})"


def _ablation(found: Ablation) -> AblationRow:
    return AblationRow(found, beats_random(found), min(found.random), max(found.random))


def _cards(matrix: TransferMatrix) -> tuple[OrganismCard, ...]:
    return tuple(
        OrganismCard(
            row=row,
            verified=matrix.organism(row.held_out).admitted,
            replies=tuple(
                reply_view(reply) for reply in matrix.replies if reply.organism == row.held_out
            ),
        )
        for row in matrix.leave_one_out
    )


def _chosen_map(matrix: TransferMatrix, headings: Mapping[str, str]) -> str | None:
    cells = cells_chosen_elsewhere(matrix)
    if not cells:
        return None
    squares = [square_of_cell(cell, headings) for cell in cells]
    columns = _columns(headings, (cell.organism for cell in cells))
    return draw_heat_map(squares, columns, _rows(cells))


def _controls_in_words(matrix: TransferMatrix) -> str:
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


def _panels(matrix: TransferMatrix, headings: Mapping[str, str]) -> tuple[Drawing, ...]:
    drawn = []
    for strategy in _strategies(matrix.cells):
        cells = [
            cell
            for cell in matrix.cells
            if cell.strategy == strategy and cell.detector not in RANDOM_CONTROLS
        ]
        squares = [square_of_cell(cell, headings) for cell in cells]
        columns = _columns(headings, (cell.organism for cell in cells))
        if cells:
            drawn.append(Drawing(strategy, draw_heat_map(squares, columns, _rows(cells))))
    return tuple(drawn)


def _twin_panels(matrix: TransferMatrix, headings: Mapping[str, str]) -> tuple[Drawing, ...]:
    budgets = budgets_of(matrix)
    drawn = []
    for strategy in _strategies(matrix.twin_cells):
        twins = [
            twin
            for twin in matrix.twin_cells
            if twin.strategy == strategy and twin.detector not in RANDOM_CONTROLS
        ]
        squares = [
            square_of_twin(twin, headings, fires=fires_on_twin(twin, budgets)) for twin in twins
        ]
        columns = _columns(headings, (twin.organism for twin in twins))
        if twins:
            drawn.append(Drawing(strategy, draw_heat_map(squares, columns, _rows(twins))))
    return tuple(drawn)


def _tables(matrix: TransferMatrix) -> tuple[StrategyTable, ...]:
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
        for strategy in _strategies(matrix.cells)
    )


def _curves(matrix: TransferMatrix) -> tuple[Drawing, ...]:
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


def _contexts(rows: Sequence[ContextFrequency]) -> tuple[ContextTable, ...]:
    found = []
    for name in dict.fromkeys(row.organism for row in rows):
        own = [row for row in rows if row.organism == name]
        detector = f"{words(own[0].detector)} learned by {own[0].strategy}"
        order = sorted(own, key=lambda row: (not row.misbehaves, not row.allowed, row.context))
        found.append(ContextTable(name, detector, tuple(order)))
    return tuple(found)


def _strategies(rows: Iterable[Cell | TwinCell]) -> list[str]:
    return list(dict.fromkeys(row.strategy for row in rows))


def _columns(headings: Mapping[str, str], present: Iterable[str]) -> list[str]:
    names = set(present)
    return [words for name, words in headings.items() if name in names]


def _rows(cells: Iterable[Cell | TwinCell]) -> list[str]:
    return [words(name) for name in sorted({cell.detector for cell in cells}, key=detector_order)]
