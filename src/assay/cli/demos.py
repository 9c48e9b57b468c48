"""`assay demo`: a finished run in ten seconds, without a download or a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the run's files.")] = Path("assay-demo"),
) -> None:
    """Show a finished run that is shipped with Assay: claims, matrix, a rollback, the report."""
    from assay.demonstration import demonstrate

    demonstrate(out, print)
