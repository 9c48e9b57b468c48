"""The generated section of a page: what was simulated, and what is approximate."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from assay.errors import AssayError
from assay.statistics.coverage_study.coverage_case import ERRORS, CoverageCell

BEGIN = "<!-- coverage: written by `assay study coverage` -->"
"""Marks where the generated section begins."""
MOST_CELLS = 40
"""Cells of one interval under one condition that are listed one by one."""
END = "<!-- /coverage -->"
"""Marks where it ends."""


def coverage_section(cells: Sequence[CoverageCell], seed: int = 0) -> str:
    """The section in Markdown: a summary of each interval and condition, then every cell."""
    most = max(cell.simulations for cell in cells)
    lines = [
        f"{len(cells)} cells of up to {most:,} simulated data sets each, seed {seed}. Nominal coverage",
        "is 95 % everywhere; the coverage of a test is 1 − its type I error. The error is one Monte",
        "Carlo standard error at the nominal coverage. What lies below 95 % by more than",
        f'{ERRORS:g} of them is labelled "approximate" here and where it is printed.',
        "",
        "| interval, bound or test | condition | cells | lowest coverage | in | |",
        "|---|---|---:|---:|---|---|",
        *(_summary(group) for group in _groups(cells)),
        "",
        f"Every cell; of rows above with more than {MOST_CELLS} cells, those with the lowest coverage:",
        "",
        "| interval, bound or test | condition | regime | simulations | coverage | error |",
        "|---|---|---|---:|---:|---:|",
        *(
            f"| `{cell.interval}` | {cell.condition} | {cell.regime} | {cell.simulations:,} "
            f"| {cell.coverage:.4f} | {cell.error:.4f} |"
            for cell in _listed(cells)
        ),
    ]
    return "\n".join(lines)


def write_coverage_section(page: Path, cells: Sequence[CoverageCell], seed: int = 0) -> None:
    """Replace the section between the two markers of ``page``. Raises as ``check_page`` does."""
    before, after = check_page(page)
    section = coverage_section(cells, seed)
    page.write_text(f"{before}{BEGIN}\n\n{section}\n\n{END}{after}", encoding="utf-8")


def check_page(page: Path) -> tuple[str, str]:
    """The text of ``page`` before the generated section, and after it.

    Raises AssayError where the page does not exist or lacks the markers.
    """
    if not page.is_file():
        raise AssayError(f"{page}: no such page; give one that holds the line {BEGIN}")
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise AssayError(f"{page}: the section belongs between the lines {BEGIN} and {END}")
    return before, after


def _groups(cells: Sequence[CoverageCell]) -> list[list[CoverageCell]]:
    def key(cell: CoverageCell) -> tuple[str, str]:
        return cell.interval, cell.condition

    return [list(group) for _, group in groupby(sorted(cells, key=key), key=key)]


def _listed(cells: Sequence[CoverageCell]) -> list[CoverageCell]:
    """Every cell in its order; of a group with many, the MOST_CELLS with the lowest coverage."""
    left_out: set[int] = set()
    for group in _groups(cells):
        rising = sorted(group, key=lambda cell: cell.coverage)
        left_out |= {id(cell) for cell in rising[MOST_CELLS:]}
    return [cell for cell in cells if id(cell) not in left_out]


def _summary(group: Sequence[CoverageCell]) -> str:
    lowest = min(group, key=lambda cell: cell.coverage)
    label = "approximate" if lowest.approximate else ""
    return (
        f"| `{lowest.interval}` | {lowest.condition} | {len(group)} | {lowest.coverage:.3f} "
        f"| {lowest.regime} | {label} |"
    )
