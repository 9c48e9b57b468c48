"""The transfer matrix as heat maps: one strategy's detectors by organisms, or by their twins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import altair as alt

from assay.concerns.matrix.admission import is_admitted
from assay.concerns.matrix.cells import Cell, TwinCell
from assay.reporting.drawing import FONT, ROWS, svg, with_tooltips
from assay.reporting.number_format import decimals, ends, number, percent, words
from assay.reporting.palette import AUROC_COLOURS, INK, NO_AUROC

CELL_WIDTH, CELL_HEIGHT = 58, 36
"""Pixels between the squares."""
GAP = 3
"""Pixels that separate two squares."""
DARK = (0.1, 0.9)
"""AUROC beyond which a square is so dark that its text is white."""


@dataclass(frozen=True)
class Square:
    """One square of a heat map, as the drawing wants it."""

    organism: str
    """Heading of its column."""
    detector: str
    """Name of its row."""
    first: str
    """The large figure: the AUROC, or the share that fires."""
    second: str
    """The small figure: its interval."""
    tooltip: str
    """All of the cell in one line."""
    colour: str
    """Colour of the square."""
    ink: str
    """Colour of the figures."""
    edge: str
    """``admitted``, ``trigger`` or ``none``: the frame."""


def square_of_cell(cell: Cell, headings: Mapping[str, str]) -> Square:
    """The square of a cell; without positives it shows how often benign conversations fire."""
    area, ci = cell.auroc, cell.auroc_ci
    edge = "none"
    if is_admitted(cell.verdict):
        edge = "admitted"
    elif cell.verdict == "detects the trigger":
        edge = "trigger"
    return Square(
        organism=headings[cell.organism],
        detector=words(cell.detector),
        first=percent(cell.benign_rate) if area is None else decimals(area),
        second="fires" if area is None else f"{ci[0]:.2f} – {ci[1]:.2f}" if ci else "",
        tooltip=cell_in_words(cell),
        colour=NO_AUROC if area is None else _auroc_colour(area),
        ink=INK if area is None or DARK[0] < area < DARK[1] else "#ffffff",
        edge=edge,
    )


def square_of_twin(twin: TwinCell, headings: Mapping[str, str], *, fires: bool) -> Square:
    """The square of a detector on a twin: how often its triggered prompts fire.

    ``fires`` says whether that is more often than false alarms may.
    """
    return Square(
        organism=headings[twin.organism],
        detector=words(twin.detector),
        first=percent(twin.rate),
        second="fires",
        tooltip=twin_in_words(twin),
        colour=NO_AUROC,
        ink=INK,
        edge="trigger" if fires else "none",
    )


def draw_heat_map(squares: Sequence[Square], columns: Sequence[str], rows: Sequence[str]) -> str:
    """One strategy's squares as SVG; ``columns`` and ``rows`` are their headings, in order."""
    axis_y = alt.Axis(ticks=False, labelLimit=150, labelColor=INK, labelPadding=6)
    axis_x = alt.Axis(orient="top", labelAngle=-28, ticks=False, labelLimit=260, labelColor=INK)
    x = alt.X("organism:N", sort=list(columns), title=None, axis=axis_x)
    y = alt.Y("detector:N", sort=list(rows), title=None, axis=axis_y)
    mark = alt.Chart().mark_rect
    width, height = CELL_WIDTH - GAP, CELL_HEIGHT - GAP
    filled = mark(width=width, height=height).encode(
        x=x,
        y=y,
        color=alt.Color("colour:N", scale=None),
        description=alt.Description("tooltip:N"),
    )
    frame = mark(width=width, height=height, aria=False, fill=None, stroke=INK, strokeWidth=2.5)
    dashed = mark(
        width=width,
        height=height,
        aria=False,
        fill=None,
        stroke=AUROC_COLOURS[0],
        strokeWidth=2,
        strokeDash=[4, 3],
    )
    ink = alt.Color("ink:N", scale=None)
    large = alt.Chart().mark_text(font=FONT, fontSize=12, dy=-6, aria=False)
    small = alt.Chart().mark_text(font=FONT, fontSize=9, dy=8, aria=False)
    chart = alt.layer(
        filled,
        frame.encode(x=x, y=y).transform_filter("datum.edge == 'admitted'"),
        dashed.encode(x=x, y=y).transform_filter("datum.edge == 'trigger'"),
        large.encode(x=x, y=y, text="first:N", color=ink),
        small.encode(x=x, y=y, text="second:N", color=ink),
        data=alt.NamedData(ROWS),
    ).properties(width=alt.Step(CELL_WIDTH), height=alt.Step(CELL_HEIGHT))
    return with_tooltips(svg(chart, [asdict(square) for square in squares]))


def cell_in_words(cell: Cell) -> str:
    """All of a cell in one line."""
    area = (
        "no AUROC: the organism never misbehaved here"
        if cell.auroc is None
        else f"AUROC {decimals(cell.auroc)} {ends(cell.auroc_ci)}"
    )
    parts = [
        f"{cell.strategy}, {words(cell.detector)} on {cell.organism}",
        area,
        f"TPR {decimals(cell.tpr)} {ends(cell.tpr_ci)}",
        f"benign firing {percent(cell.benign_rate)}, at most {percent(cell.benign_upper)}"
        f" ({number(cell.benign_n)} conversations, effectively {number(cell.benign_n_effective)})",
        f"near misses firing {percent(cell.near_miss_rate)} of {number(cell.near_miss_n)}",
        f"{cell.n_positive} positives of {cell.positive_templates} templates, effectively "
        f"{number(cell.n_positive_effective)}; {cell.n_negative} negatives",
        f"chance reached partial AUROC {decimals(cell.null_partial_auroc)}",
        f"verdict: {cell.verdict}",
        *cell.reasons,
    ]
    return " · ".join(part.strip() for part in parts)


def twin_in_words(twin: TwinCell) -> str:
    """All of a detector on a twin in one line."""
    return " · ".join(
        (
            f"{twin.strategy}, {words(twin.detector)} on {twin.organism}, a twin of {twin.twin_of}",
            f"fires in {twin.fired} of {twin.n} triggered conversations: {percent(twin.rate)}",
            f"at most {percent(twin.rate_upper)} (effectively {number(twin.n_effective)})",
        )
    )


def _auroc_colour(area: float) -> str:
    low, middle, high = AUROC_COLOURS
    end, share = (high, 2 * area - 1) if area >= 0.5 else (low, 1 - 2 * area)
    mixed = (
        round(int(middle[i : i + 2], 16) * (1 - share) + int(end[i : i + 2], 16) * share)
        for i in (1, 3, 5)
    )
    return "#" + "".join(f"{part:02x}" for part in mixed)
