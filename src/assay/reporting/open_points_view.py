"""What is open: undeveloped claims, doubts without an answer, and what failed."""

from __future__ import annotations

from dataclasses import dataclass

from assay.concerns.matrix.admission import is_admitted
from assay.concerns.matrix.cells import Cell
from assay.concerns.matrix.result import MissingCell, TestedOrganism, TransferMatrix
from assay.safety_case.nodes import Defeater, Node
from assay.safety_case.result import SafetyCase


@dataclass(frozen=True)
class Doubt:
    """A defeater without a full answer."""

    node: Node
    """The node that it is about."""
    defeater: Defeater
    """The doubt."""


@dataclass(frozen=True)
class OpenPoints:
    """Everything that a reader must not overlook; empty where there is nothing."""

    undeveloped: tuple[Node, ...]
    """Nodes for which nothing was done."""
    stale: tuple[Node, ...]
    """Solutions that no longer hold."""
    doubts: tuple[Doubt, ...]
    """Defeaters that are open or partly answered."""
    not_admitted: tuple[TestedOrganism, ...]
    """Organisms and twins that failed their own verification."""
    failures: tuple[Cell, ...]
    """Cells that might have counted and were not admitted."""
    missing: tuple[MissingCell, ...]
    """Strategies from which no detector could be learned for an organism."""

    @property
    def nothing(self) -> bool:
        """Whether nothing is open."""
        return not any(
            (
                self.undeveloped,
                self.stale,
                self.doubts,
                self.not_admitted,
                self.failures,
                self.missing,
            )
        )


def view_open_points(case: SafetyCase | None, matrix: TransferMatrix | None) -> OpenPoints:
    """What is open in the case and in the matrix; None for what the page does not have."""
    nodes = case.nodes if case is not None else ()
    cells = matrix.cells if matrix is not None else ()
    organisms = matrix.organisms if matrix is not None else ()
    return OpenPoints(
        undeveloped=tuple(node for node in nodes if node.undeveloped),
        stale=tuple(
            node
            for node in nodes
            if node.type == "solution" and node.status == "open" and not node.undeveloped
        ),
        doubts=tuple(
            Doubt(node, defeater)
            for node in nodes
            for defeater in node.defeaters
            if defeater.status != "answered"
        ),
        not_admitted=tuple(organism for organism in organisms if not organism.admitted),
        failures=tuple(
            cell for cell in cells if cell.verdict != "control" and not is_admitted(cell.verdict)
        ),
        missing=matrix.missing if matrix is not None else (),
    )
