"""The progress bar of all long work: amount done, speed, and time left."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

Advance = Callable[[float], None]


@contextlib.contextmanager
def progress(what: str, total: float, unit: str) -> Iterator[Advance]:
    """Yield ``advance(amount)``, which moves the bar.

    On a terminal the bar is drawn on stderr; elsewhere one line is printed at the start and one at
    the end.

    ``total`` and the amounts are in ``unit`` (tokens, steps, documents).
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    if not sys.stderr.isatty():
        print(f"{what}: {total:,.0f} {unit}", file=sys.stderr, flush=True)
        yield lambda amount: None
        print(f"{what}: done", file=sys.stderr, flush=True)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f} " + unit),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=total, rate="")

        def advance(amount: float) -> None:
            speed = bar.tasks[task].speed
            bar.update(task, advance=amount, rate=f"{speed:,.0f} {unit}/s" if speed else "")

        yield advance


@contextlib.contextmanager
def timed(what: str) -> Iterator[None]:
    """Print on stderr how long the block took. ``what`` names it."""
    import time

    started = time.monotonic()
    yield
    minutes, seconds = divmod(round(time.monotonic() - started), 60)
    took = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    print(f"{what}: {took}", file=sys.stderr, flush=True)
