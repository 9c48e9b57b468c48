"""Printing of results, and options that several commands share."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Amend = Annotated[
    str | None,
    typer.Option(help="Why the analysis was changed after the test split was read."),
]
Seed = Annotated[int, typer.Option(help="Every random draw derives from it.")]


def show(value: Any, as_json: bool, lines: list[str]) -> None:
    """Print a result as JSON, or else as the given lines of text."""
    print(json.dumps(value, indent=1, ensure_ascii=False) if as_json else "\n".join(lines))
