"""The transfer matrix as the page's template wants it: maps, tables, cards, curves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from assay.concerns.matrix.admission import (
    is_admitted,
    is_control,
)
from assay.concerns.matrix.reference_result import LearningPoint
from assay.concerns.matrix.result import (
    TestedOrganism,
    TransferMatrix,
)
from assay.reporting.learning_curves import draw_learning_curves
from assay.reporting.palette import VIEW_NAMES
from assay.reporting.transfer_maps import (
    Drawing,
    chosen_map,
    controls_in_words,
    roc_drawings,
    strategy_maps,
    twin_maps,
)
from assay.reporting.transfer_rows import (
    AblationRow,
    ContextTable,
    OrganismCard,
    ReferenceRow,
    StrategyTable,
    ablation_row,
    context_tables,
    organism_cards,
    reference_rows,
    strategy_tables,
)
from assay.safety_case.phrases import catch_sentence, caught_sentence


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
        references=reference_rows(matrix),
        undecidable=tuple(dict.fromkeys(n.organism for n in matrix.nulls if n.quantile >= 1)),
        judged=len(judged),
        admitted=sum(is_admitted(cell.verdict) for cell in judged),
        triggers=sum(cell.verdict == "detects the trigger" for cell in judged),
        compared=len(compared),
        beaten=compared.count(False),
        chosen=chosen_map(matrix, headings),
        controls=controls_in_words(matrix),
        cards=organism_cards(matrix),
        panels=strategy_maps(matrix, headings),
        twin_panels=twin_maps(matrix, headings),
        tables=strategy_tables(matrix),
        ablations=tuple(map(ablation_row, matrix.ablations)),
        contexts=context_tables(matrix.contexts),
        roc=roc_drawings(matrix),
    )


def _learned_from_most(matrix: TransferMatrix) -> tuple[LearningPoint, ...]:
    most = max((point.organisms for point in matrix.learning_curve), default=0)
    return tuple(p for p in matrix.learning_curve if (p.organisms, p.amount) == (most, "all"))


def organism_heading(organism: TestedOrganism) -> str:
    """An organism's name, marked where it is a twin."""
    kind = organism.twin_kind
    if kind is None:
        return organism.name
    mark = {"decoy": "decoy", "benign": "benign twin", "unstated": "twin"}[kind]
    return f"{organism.name} ({mark})"
