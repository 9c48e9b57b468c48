"""The transfer matrix as heat maps, and ROC curves where false positives are rare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.reporting.drawing import FONT, ROWS, svg, with_tooltips
from assay.reporting.figures import number, percent
from assay.reporting.palette import AUROC_COLOURS, DETECTOR_COLOURS, INK, MUTED, NO_AUROC

CELL_WIDTH, CELL_HEIGHT = 58, 36
ADMITTED = ("high", "medium")
DARK = (0.1, 0.9)
"""AUROC beyond which a cell is so dark that its text is white."""


def matrix(
    cells: Sequence[Mapping[str, Any]], organisms: Mapping[str, str], detectors: Sequence[str]
) -> str:
    """One strategy's detectors by organisms; colour and figure are the AUROC, with its interval.

    ``organisms`` maps the name to the column's heading, which marks twins. A cell without positives
    shows how often benign conversations fire instead.
    """
    import altair as alt

    rows = [_square(cell, organisms) for cell in cells]
    axis_y = alt.Axis(ticks=False, labelLimit=150, labelColor=INK, labelPadding=6)
    axis_x = alt.Axis(orient="top", labelAngle=-28, ticks=False, labelLimit=190, labelColor=INK)
    x = alt.X("organism:N", sort=list(organisms.values()), title=None, axis=axis_x)
    y = alt.Y("detector:N", sort=[words(name) for name in detectors], title=None, axis=axis_y)

    def squares(**marks: Any) -> Any:
        return alt.Chart().mark_rect(width=CELL_WIDTH - 3, height=CELL_HEIGHT - 3, **marks)

    def figures(key: str, size: float, dy: int) -> Any:
        text = alt.Chart().mark_text(font=FONT, fontSize=size, dy=dy, aria=False)
        return text.encode(x=x, y=y, text=f"{key}:N", color=alt.Color("ink:N", scale=None))

    colour = alt.Color("colour:N", scale=None)
    described = alt.Description("tooltip:N")
    layers = [squares().encode(x=x, y=y, color=colour, description=described)]
    for edge, marks in _EDGES.items():
        framed = squares(aria=False, fill=None, **marks).encode(x=x, y=y)
        layers.append(framed.transform_filter(f"datum.edge == '{edge}'"))
    layers += [figures("first", 12, -6), figures("second", 9, 8)]
    size = {"width": alt.Step(CELL_WIDTH), "height": alt.Step(CELL_HEIGHT)}
    chart = alt.layer(*layers, data=alt.NamedData(ROWS)).properties(**size)
    return with_tooltips(svg(chart, rows))


_EDGES: dict[str, dict[str, Any]] = {
    "admitted": {"stroke": INK, "strokeWidth": 2.5},
    "trigger": {"stroke": "#b3422e", "strokeWidth": 2, "strokeDash": [4, 3]},
}


def roc_curves(curves: Sequence[Mapping[str, Any]], budget: float) -> str:
    """Curves of one organism, a detector each, on a log axis of the false-positive rate.

    What a detector catches without any false positive is drawn at the left edge.
    """
    import altair as alt

    positive = [rate for curve in curves for rate in curve["fpr"] if rate > 0]
    least = max(min([*positive, budget]) / 2, 1e-5)
    rows = []
    for curve in curves:
        name = f"{words(curve['detector'])} ({curve['strategy']})"
        for order, (fpr, tpr) in enumerate(zip(curve["fpr"], curve["tpr"], strict=True)):
            rows.append({"fpr": max(fpr, least), "tpr": tpr, "name": name, "order": order})
    names = list(dict.fromkeys(row["name"] for row in rows))
    colours = [detector_colour(curve["detector"]) for curve in curves]
    legend = alt.Legend(orient="bottom", columns=2, labelLimit=220, symbolType="stroke")
    lines = (
        alt.Chart(alt.NamedData(ROWS))
        .mark_line(interpolate="step-after", strokeWidth=1.8, opacity=0.9, clip=True)
        .encode(
            x=alt.X(
                "fpr:Q",
                title="false-positive rate (log scale)",
                scale=alt.Scale(type="log", domain=[least, 1.0], nice=False),
                axis=alt.Axis(values=[1e-4, 1e-3, 1e-2, 0.1, 1], format="~g", grid=False),
            ),
            y=alt.Y("tpr:Q", title="true-positive rate", scale=alt.Scale(domain=[0, 1])),
            order="order:Q",
            color=alt.Color(
                "name:N",
                title=None,
                sort=names,
                scale=alt.Scale(domain=names, range=colours),
                legend=legend,
            ),
        )
    )
    rule = (
        alt.Chart(alt.Data(values=[{"fpr": budget}]))
        .mark_rule(color=MUTED, strokeDash=[4, 3])
        .encode(x="fpr:Q")
    )
    return svg((rule + lines).properties(width=360, height=210), rows)


def words(name: str) -> str:
    """A detector's name for people."""
    return name.replace("_", " ")


def detector_colour(name: str) -> str:
    """The colour of a detector's curve."""
    return DETECTOR_COLOURS.get(name, DETECTOR_COLOURS["random_direction"])


def cell_words(cell: Mapping[str, Any]) -> str:
    """All of a cell in one line."""
    area, ci = cell.get("auroc"), cell.get("auroc_ci")
    parts = [
        f"{cell['strategy']}, {words(cell['detector'])} on {cell['organism']}",
        "no AUROC: nothing to detect" if area is None else f"AUROC {decimals(area)} {ends(ci)}",
        f"TPR {decimals(cell.get('tpr'))} {ends(cell.get('tpr_ci'))}",
        f"benign firing {percent(cell['benign_rate'])}, at most {percent(cell['benign_upper'])}"
        f" ({number(cell['benign_n'])} conversations)",
        f"{cell['n_positive']} positives, {cell['n_negative']} negatives",
        f"verdict: {cell['verdict']}",
        *(cell.get("reasons") or ()),
    ]
    return " · ".join(part.strip() for part in parts)


def decimals(value: float | None) -> str:
    """Two decimals, and no rounding up to 1."""
    if value is None:
        return "–"
    return "> .99" if 0.995 <= value < 1 else f"{value:.2f}"


def ends(ci: Sequence[float] | None) -> str:
    """An interval with two decimals."""
    return "" if ci is None else f"[{ci[0]:.2f}, {ci[1]:.2f}]"


def _square(cell: Mapping[str, Any], organisms: Mapping[str, str]) -> dict[str, Any]:
    area = cell.get("auroc")
    row = {
        "organism": organisms.get(cell["organism"], cell["organism"]),
        "detector": words(cell["detector"]),
        "tooltip": cell_words(cell),
        "colour": NO_AUROC if area is None else _auroc_colour(area),
        "ink": INK if area is None or DARK[0] < area < DARK[1] else "#ffffff",
        "edge": "none",
    }
    if cell["verdict"] in ADMITTED:
        row["edge"] = "admitted"
    elif cell["verdict"] == "detects the trigger":
        row["edge"] = "trigger"
    if area is None:
        rate = cell["tpr"] if cell.get("tpr") is not None else cell["benign_rate"]
        return row | {"first": percent(rate), "second": "fires"}
    ci = cell.get("auroc_ci")
    second = f"{ci[0]:.2f} – {ci[1]:.2f}" if ci else ""
    return row | {"first": decimals(area), "second": second}


def _auroc_colour(area: float) -> str:
    low, middle, high = AUROC_COLOURS
    end, share = (high, 2 * area - 1) if area >= 0.5 else (low, 1 - 2 * area)
    mixed = (
        round(int(middle[i : i + 2], 16) * (1 - share) + int(end[i : i + 2], 16) * share)
        for i in (1, 3, 5)
    )
    return "#" + "".join(f"{part:02x}" for part in mixed)
