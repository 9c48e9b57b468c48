"""The page of a query–key dictionary: each head's figures, and its strongest pairs of features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.attention.qk_result import FeatureSide, PairFigures, QKHead, QKResult
from assay.files import atomic_file
from assay.reporting.rendering import render, template_file

STYLES = ("page.css", "sections.css", "qk.css")
WIDTH, HEIGHT = 150, 34
"""Pixels of the drawing of a kernel."""


@dataclass(frozen=True)
class KernelDrawing:
    """A kernel over distance as a line."""

    points: str
    """Points of an SVG polyline."""
    zero: float
    """Height of the line at which the pair adds nothing."""
    low: float
    """Smallest value."""
    high: float
    """Largest value."""


@dataclass(frozen=True)
class PairRow:
    """A pair with its drawing."""

    found: PairFigures
    """Its figures."""
    kernel: KernelDrawing
    """Its kernel."""


@dataclass(frozen=True)
class HeadRow:
    """A head with its strongest pairs."""

    found: QKHead
    """Its figures."""
    pairs: tuple[PairRow, ...]
    """Its strongest pairs."""


def write_qk_page(path: Path, result: QKResult) -> None:
    """Render the page and write it atomically. The same result gives the same bytes."""
    html = render_qk_page(result)
    with atomic_file(path) as aside:
        aside.write_text(html, encoding="utf-8")


def render_qk_page(result: QKResult) -> str:
    """The page as HTML, complete in itself and without script."""
    heads = [
        HeadRow(
            head,
            tuple(
                PairRow(pair, draw_kernel(pair.kernel))
                for pair in result.pairs
                if pair.head == head.head
            ),
        )
        for head in result.heads
    ]
    return render(
        "qk.html.j2",
        r=result,
        heads=heads,
        sides=[(side, side_in_words(side)) for side in result.sides],
        style="\n".join(template_file(name) for name in STYLES),
        width=WIDTH,
        height=HEIGHT,
    )


def side_in_words(side: FeatureSide) -> str:
    """What position explains of one side's features, in a sentence."""
    alive = len(side.variance_by_position) - side.dead
    plural = "queries" if side.side == "query" else "keys"
    return (
        f"Of {alive} features of {plural} that fire, position explains next to nothing of "
        f"{side.near_zero}, nearly everything of {side.near_one}, and a part of {side.between}; of "
        f"{side.undetermined} the interval does not say."
    )


def draw_kernel(kernel: Sequence[float]) -> KernelDrawing:
    """A line from distance 0 at the left to the largest at the right; 0 is always in view."""
    low, high = min(0.0, *kernel), max(0.0, *kernel)
    span = (high - low) or 1.0

    def y(value: float) -> float:
        return round(2 + (HEIGHT - 4) * (high - value) / span, 2)

    step = (WIDTH - 2) / max(1, len(kernel) - 1)
    points = " ".join(f"{round(1 + i * step, 2)},{y(value)}" for i, value in enumerate(kernel))
    return KernelDrawing(points, y(0.0), min(kernel), max(kernel))
