"""From an Altair chart to SVG text: drawn once, no script in the page."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence

import altair as alt
import vl_convert

from assay.reporting.palette import INK, MUTED, RULE

FONT = "Helvetica, Arial, sans-serif"
ROWS = "rows"
_CLIP = re.compile(r"(?<=[\"#])clip\d+(?=[\")])")
_DESCRIBED = re.compile(r'<path aria-label="([^"]*)"([^>]*?)(?:/>|></path>)')


def svg(chart: alt.Chart, rows: Sequence[Mapping[str, str | float]] | None = None) -> str:
    """The chart as SVG in the page's style.

    ``rows`` are the data that the chart calls ``ROWS``: Altair copies data of its own at every step.
    """
    # ``configure`` replaces the whole configuration, so it comes before its parts.
    chart = (
        chart.configure(background="transparent", font=FONT)
        .configure_view(stroke=None)
        .configure_axis(
            labelFont=FONT,
            titleFont=FONT,
            labelColor=MUTED,
            titleColor=INK,
            gridColor=RULE,
            domainColor=RULE,
            tickColor=RULE,
            titleFontWeight="normal",
            labelFontSize=11,
            titleFontSize=11.5,
        )
        .configure_legend(
            labelFont=FONT, titleFont=FONT, labelColor=INK, titleColor=INK, labelFontSize=11
        )
    )
    drawn = chart.to_dict(validate=False)
    if rows is not None:
        drawn["datasets"] = {ROWS: list(rows)}
    return _with_ids_of_its_own(str(vl_convert.vegalite_to_svg(json.dumps(drawn))))


def _with_ids_of_its_own(drawn: str) -> str:
    """The SVG with ids made from its content: the renderer counts them up from drawing to drawing.

    The same drawing so has the same bytes, and two drawings on a page share no id.
    """
    content = hashlib.sha256(_CLIP.sub("clip", drawn).encode()).hexdigest()[:10]
    places = {found: place for place, found in enumerate(dict.fromkeys(_CLIP.findall(drawn)))}
    return _CLIP.sub(lambda found: f"clip-{content}-{places[found[0]]}", drawn)


def with_tooltips(drawn: str) -> str:
    """The SVG with each described mark's description shown by the browser on hovering.

    Descriptions come from the encoding channel ``description``; they are escaped already.
    """
    return _DESCRIBED.sub(r"<path\2><title>\1</title></path>", drawn)
