"""`assay study`: what Assay's own statistics are worth, by simulation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assay.cli.printing import AsJson, Seed, show

study_app = typer.Typer(help="Studies of Assay's own statistics.", no_args_is_help=True)


@study_app.callback()
def studies() -> None:
    """Studies of Assay's own statistics."""


@study_app.command()
def coverage(
    simulations: Annotated[int, typer.Option(help="Simulated data sets of each cell.")] = 2000,
    out: Annotated[Path, typer.Option(help="Page whose generated section is rewritten.")] = Path(
        "docs/statistics.md"
    ),
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Simulate the coverage of every interval, bound and test that Assay prints."""
    from assay.position.coverage_cases import coverage_cells, regimes
    from assay.progress import progress
    from assay.statistics.coverage_study import (
        STATISTICS_CASES,
        check_page,
        run_coverage,
        write_coverage_section,
    )

    check_page(out)
    designs = list(regimes())
    with progress("coverage", len(STATISTICS_CASES) + len(designs), "regimes") as advance:
        cells = [
            *run_coverage(STATISTICS_CASES, simulations, seed, advance),
            *coverage_cells(designs, simulations, seed, advance),
        ]
    write_coverage_section(out, cells, seed)
    unlabelled = [cell for cell in cells if cell.below and not cell.approximate]
    lines = [
        f"below nominal and not labelled: {cell.interval}, {cell.condition}, {cell.regime}: "
        f"{cell.coverage:.3f}"
        for cell in unlabelled
    ]
    lines.append(f"{len(cells)} cells, {len(unlabelled)} below nominal and not labelled: {out}")
    show([cell.model_dump(mode="json") for cell in cells], as_json, lines)
