"""Commands on a monitor's journal: verify its chain, and export it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assay.cli.printing import AsJson, show

journal_app = typer.Typer(
    help="Check or export the journal of a monitor; also while it is watching.",
    no_args_is_help=True,
)
Folder = Annotated[Path, typer.Argument(help="A case's output folder, such as out/smollm2.")]


@journal_app.command()
def verify(folder: Folder, as_json: AsJson = False) -> None:
    """Verify the chain of hashes from the first row to the last, and print the last hash."""
    from collections import Counter

    from assay.monitoring.journal import JOURNAL, read_journal

    rows, head = read_journal(folder / JOURNAL)
    kinds = Counter(str(row["kind"]) for row in rows)
    counts = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items())
    line = (
        f"{folder / JOURNAL}: {len(rows):,} rows, the chain is whole ({counts}); last hash {head}"
    )
    show({"rows": len(rows), "kinds": dict(kinds), "head": head}, as_json, [line])


@journal_app.command()
def export(
    folder: Folder,
    out: Annotated[Path, typer.Option(help="JSONL file to write: number, hash and row of each.")],
    as_json: AsJson = False,
) -> None:
    """Write a verified copy of the journal as JSONL, whole even while the monitor is watching."""
    from assay.monitoring.journal import JOURNAL, export_journal

    count = export_journal(folder / JOURNAL, out)
    show({"rows": count, "file": str(out)}, as_json, [f"{count:,} rows written to {out}"])
