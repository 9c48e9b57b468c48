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
def timed(what: str) -> Iterator[Callable[[], float]]:
    """Print on stderr how long the block took. ``what`` names it.

    Yields a function that gives the seconds so far, and after the block those that it took.
    """
    import time

    started = time.monotonic()
    ended: list[float] = []
    yield lambda: (ended[0] if ended else time.monotonic()) - started
    ended.append(time.monotonic())
    print(f"{what}: {duration(ended[0] - started)}", file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """A time in minutes and seconds, for people."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
