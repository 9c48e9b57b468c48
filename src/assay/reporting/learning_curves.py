"""The learning curve: detection of an unseen organism by the number of organisms learned from."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from assay.concerns.matrix.reference_result import LearningPoint
from assay.reporting.drawing import ROWS, svg
from assay.reporting.palette import VIEW_COLOURS, VIEW_NAMES

SIZE = (270, 190)
"""Width and height of one panel, pixels."""


def draw_learning_curves(points: Sequence[LearningPoint]) -> str:
    """AUROC and true-positive rate against the number of organisms, as SVG.

    Solid lines learn from every conversation, dashed ones from an equal number of them; bands are the
    intervals of the solid lines.
    """
    rows: list[dict[str, float | str]] = []
    for point in points:
        shown: dict[str, float | str] = {
            "view": VIEW_NAMES[point.view],
            "amount": point.amount,
            "k": point.organisms,
        }
        for metric, value, ci in (
            ("AUROC", point.auroc, point.auroc_ci),
            ("TPR", point.tpr, point.tpr_ci),
        ):
            low, high = ci or (value, value)
            rows.append({**shown, "metric": metric, "value": value, "low": low, "high": high})
    most = max(point.organisms for point in points)
    return svg(alt.hconcat(_panel("AUROC", most), _panel("TPR", most)), rows)


def _panel(metric: str, most: int) -> alt.LayerChart:
    names = list(VIEW_NAMES.values())
    colour = alt.Color(
        "view:N",
        title=None,
        sort=names,
        scale=alt.Scale(domain=names, range=list(VIEW_COLOURS.values())),
        legend=alt.Legend(orient="bottom", labelLimit=260, symbolType="stroke"),
    )
    x = alt.X(
        "k:Q",
        title="organisms learned from",
        scale=alt.Scale(domain=[1, max(2, most)], nice=False),
        axis=alt.Axis(values=list(range(1, most + 1)), format="d", grid=False),
    )
    title = "AUROC" if metric == "AUROC" else "true-positive rate"
    scale = alt.Scale(domain=[0.4, 1] if metric == "AUROC" else [0, 1], clamp=True)
    base = alt.Chart(alt.NamedData(ROWS)).transform_filter(f"datum.metric == '{metric}'")
    band = (
        base.transform_filter("datum.amount == 'all'")
        .mark_area(opacity=0.12)
        .encode(x=x, y=alt.Y("low:Q", scale=scale), y2="high:Q", color=colour)
    )
    line = base.mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=26)).encode(
        x=x,
        y=alt.Y("value:Q", title=title, scale=scale),
        color=colour,
        strokeDash=alt.StrokeDash(
            "amount:N",
            scale=alt.Scale(domain=["all", "equal"], range=[[1, 0], [5, 4]]),
            legend=None,
        ),
    )
    return (band + line).properties(width=SIZE[0], height=SIZE[1])
