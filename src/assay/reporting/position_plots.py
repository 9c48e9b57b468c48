"""The plots of the position audit and of the sink, as SVG text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt
import numpy as np

from assay.activations.residual_variance import PositionShares
from assay.position.labels import LABELS
from assay.position.result import Label
from assay.reporting.drawing import FONT, svg
from assay.reporting.palette import INK, LABEL_COLOURS, LEVEL_COLOURS

LEVEL_NAMES = {
    "all": "all positions",
    "no_sink": "without the sink",
    "no_first_8": "without positions 0–7",
}


def draw_share_histogram(
    values: Mapping[str, Sequence[float]], title: str, colours: Mapping[str, str]
) -> str:
    """Histogram over features of shares of variance, one line a name, counts on a log axis."""
    edges = np.linspace(-0.05, 1.0, 43)
    rows = []
    for name, shares in values.items():
        counts, _ = np.histogram(np.clip(shares, edges[0], edges[-1]), edges)
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True):
            rows.append({"share": (low + high) / 2, "features": max(int(count), 0.5), "name": name})
    names = list(values)
    chart = (
        alt.Chart(alt.Data(values=rows))
        .mark_line(interpolate="step", strokeWidth=1.8)
        .encode(
            x=alt.X("share:Q", title=title, scale=alt.Scale(domain=[-0.05, 1.0], nice=False)),
            y=alt.Y(
                "features:Q",
                title="features (log scale)",
                scale=alt.Scale(type="log", domainMin=0.5),
                axis=alt.Axis(values=[1, 10, 100, 1000, 10_000], format="~s"),
            ),
            color=alt.Color(
                "name:N",
                title=None,
                sort=names,
                scale=alt.Scale(domain=names, range=[colours[name] for name in names]),
                legend=alt.Legend(orient="top"),
            ),
        )
        .properties(width=430, height=210)
    )
    return svg(chart)


def draw_label_bar(shares: Mapping[Label, float]) -> str:
    """One stacked bar: the share of features that bear each label."""
    labels = [label for label in LABELS if label in shares and shares[label] > 0]
    rows = [
        {"label": label, "share": shares[label], "order": order}
        for order, label in enumerate(labels)
    ]
    chart = (
        alt.Chart(alt.Data(values=rows))
        .mark_bar(height=26)
        .encode(
            x=alt.X(
                "share:Q",
                title=None,
                stack="zero",
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format="%", grid=False),
            ),
            order="order:O",
            color=alt.Color(
                "label:N",
                title=None,
                sort=labels,
                scale=alt.Scale(domain=labels, range=[LABEL_COLOURS[label] for label in labels]),
                legend=alt.Legend(orient="top", columns=6),
            ),
        )
        .properties(width=880, height=32)
    )
    return svg(chart)


def draw_density(rates: Sequence[float | None]) -> str:
    """Histogram of the firing rates, on a log axis, of the features that fired."""
    fired = np.array([rate for rate in rates if rate])
    counts, edges = np.histogram(np.log10(fired), bins=24)
    rows = [
        {"low": float(low), "high": float(high), "features": int(count)}
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    chart = (
        alt.Chart(alt.Data(values=rows))
        .mark_bar(color=LEVEL_COLOURS["no_sink"], opacity=0.85)
        .encode(
            x=alt.X("low:Q", bin="binned", title="firing rate, log₁₀ of the share of tokens"),
            x2="high:Q",
            y=alt.Y("features:Q", title="features"),
        )
        .properties(width=430, height=210)
    )
    return svg(chart)


def draw_sink_bars(epsilon2: PositionShares) -> str:
    """ε² of position in the raw activations at three levels, with intervals where there are any."""
    levels = {"all": epsilon2.all, "no_sink": epsilon2.no_sink, "no_first_8": epsilon2.no_first_8}
    rows = []
    for level, found in levels.items():
        if found is not None:
            low, high = found.ci or (found.value, found.value)
            rows.append(
                {
                    "level": LEVEL_NAMES[level],
                    "value": found.value,
                    "low": low,
                    "high": high,
                    "text": f"{found.value:.3f}",
                }
            )
    names = [row["level"] for row in rows]
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=alt.Y("level:N", sort=names, title=None, axis=alt.Axis(labelLimit=200, ticks=False))
    )
    bars = base.mark_bar(height=18, opacity=0.9).encode(
        x=alt.X(
            "value:Q",
            title="ε² of position in the raw activations",
            scale=alt.Scale(domain=[0, 1.1]),
        ),
        color=alt.Color(
            "level:N",
            legend=None,
            scale=alt.Scale(
                domain=list(LEVEL_NAMES.values()), range=[LEVEL_COLOURS[level] for level in levels]
            ),
        ),
    )
    whiskers = base.mark_rule(color=INK).encode(x="low:Q", x2="high:Q")
    text = base.mark_text(align="left", dx=8, color=INK, font=FONT).encode(
        x="high:Q", text="text:N"
    )
    return svg((bars + whiskers + text).properties(width=330, height=120))
