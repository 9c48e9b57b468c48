"""ROC curves on a log axis: what is caught where false positives are rare."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from assay.concerns.matrix.result import RocCurve
from assay.reporting.drawing import ROWS, svg
from assay.reporting.number_format import words
from assay.reporting.palette import DETECTOR_COLOURS, MUTED

SMALLEST_RATE = 1e-5
"""No false-positive rate below this is drawn."""


def draw_roc_curves(curves: Sequence[RocCurve], budget: float) -> str:
    """Curves of one organism, a detector each, as SVG; the budget is a dashed line.

    What a detector catches without any false positive is drawn at the left edge.
    """
    positive = [rate for curve in curves for rate in curve.fpr if rate > 0]
    least = max(min([*positive, budget]) / 2, SMALLEST_RATE)
    rows: list[dict[str, float | str]] = []
    for curve in curves:
        name = f"{words(curve.detector)} ({curve.strategy})"
        for order, (fpr, tpr) in enumerate(zip(curve.fpr, curve.tpr, strict=True)):
            rows.append({"fpr": max(fpr, least), "tpr": tpr, "name": name, "order": order})
    names = list(dict.fromkeys(row["name"] for row in rows))
    colours = [detector_colour(curve.detector) for curve in curves]
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


def detector_order(name: str) -> int:
    """Detectors of features first, then of activations, text, and the controls."""
    known = list(DETECTOR_COLOURS)
    return known.index(name) if name in known else len(known)


def detector_colour(name: str) -> str:
    """The colour of a detector's curve."""
    return DETECTOR_COLOURS.get(name, DETECTOR_COLOURS["random_direction"])
