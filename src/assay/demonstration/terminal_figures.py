"""The transfer matrix and the learning curve as a terminal of 80 columns shows them."""

from __future__ import annotations

from collections.abc import Sequence

from assay.concerns.matrix import TransferMatrix, cells_chosen_elsewhere, is_admitted
from assay.concerns.matrix.reference_result import LearningPoint

COLUMNS = {
    "single_feature": "single",
    "sparse_features": "sparse",
    "rule": "rule",
    "difference_in_means": "means",
    "logistic_regression": "probe",
    "several_sites": "sites",
    "dictionary_error": "error",
    "novelty": "novel",
    "text": "text",
}
"""Kinds of detectors and their headings; any other is cut to WIDTH characters."""
WIDTH = 7
"""Characters of a column of the matrix."""
NAME = 16
"""Characters of an organism's name."""
BAR = 10
"""Characters of a bar of length 1."""
VIEWS = {"own": "own state", "reader": "reader", "text": "text"}
"""What sees the conversation, as headings."""


def matrix_lines(matrix: TransferMatrix) -> list[str]:
    """AUROC of each detector on each organism; its strategy is the best on the other organisms.

    ``*`` marks an admitted cell.
    """
    cells = cells_chosen_elsewhere(matrix)
    detectors = list(dict.fromkeys(cell.detector for cell in cells))
    headings = [COLUMNS.get(name, name)[: WIDTH - 1] for name in detectors]
    lines = [
        "organism".ljust(NAME) + "".join(f"{name:>{WIDTH - 1}} " for name in headings).rstrip()
    ]
    for organism in dict.fromkeys(cell.organism for cell in cells):
        here = {cell.detector: cell for cell in cells if cell.organism == organism}
        row = ""
        for name in detectors:
            cell = here.get(name)
            area = "–" if cell is None or cell.auroc is None else f"{cell.auroc:.2f}"
            mark = "*" if cell is not None and is_admitted(cell.verdict) else " "
            row += f"{area:>{WIDTH - 1}}{mark}"
        lines.append(f"{organism[:NAME]:{NAME}}{row}".rstrip())
    return lines


def learning_lines(points: Sequence[LearningPoint]) -> list[str]:
    """TPR and AUROC on an unseen organism, by the number of organisms learned from."""
    kept = [point for point in points if point.amount == "all"]
    views = [view for view in VIEWS if any(point.view == view for point in kept)]
    figures = "TPR".ljust(BAR + 6) + "AUROC".ljust(8)
    lines = ["learned " + "".join(f"{VIEWS[view]:<24}" for view in views).rstrip()]
    lines.append(("from".ljust(8) + figures * len(views)).rstrip())
    for count in sorted({point.organisms for point in kept}):
        row = f"{count:<8}"
        for view in views:
            found = [p for p in kept if (p.view, p.organisms) == (view, count)]
            row += _point(found[0]) if found else " " * 24
        lines.append(row.rstrip())
    return [*lines, *map(_last_in_words, _last_points(kept, views))]


def _point(point: LearningPoint) -> str:
    bar = "█" * round(point.tpr * BAR)
    return f"{point.tpr:.2f} {bar:<{BAR}} " + f"{point.auroc:.2f}".ljust(8)


def _last_points(points: Sequence[LearningPoint], views: Sequence[str]) -> list[LearningPoint]:
    most = max(point.organisms for point in points)
    return [p for view in views for p in points if (p.view, p.organisms) == (view, most)]


def _last_in_words(point: LearningPoint) -> str:
    return (
        f"{VIEWS[point.view]}, from {point.organisms}: TPR {point.tpr:.2f}{_ends(point.tpr_ci)}, "
        f"AUROC {point.auroc:.2f}{_ends(point.auroc_ci)}, {point.tested} organisms"
    )


def _ends(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f" [{interval[0]:.2f}, {interval[1]:.2f}]"
