"""One self-contained HTML page, without a network, from what the stages measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.evidence import Evidence
from assay.files import atomic_file
from assay.reporting import figures, transfer_plots
from assay.reporting.feature_table import pack
from assay.reporting.palette import (
    LABEL_COLOURS,
    LEVEL_COLOURS,
    SHARE_COLOURS,
    STATUS_COLOURS,
    VERDICT_COLOURS,
)

if TYPE_CHECKING:
    from assay.safety_case import SafetyCase

NOT_LABELLED = "not labelled"
SECTIONS = {
    "case": "The safety case",
    "transfer": "Transfer",
    "candidates": "Candidates",
    "monitor": "Monitor",
    "open": "What is open",
}
"""Anchors of the sections that come before the dictionary's."""


@dataclass(frozen=True)
class Page:
    """What a page shows. What was not measured is None, and the page says that it was not."""

    title: str
    """Name of the case, or of the audit."""
    facts: list[tuple[str, str]]
    """What was run: pairs of a name and a value."""
    evidence: list[Evidence]
    """Every figure of the page."""
    headline: list[str]
    """Metrics shown large at the top."""
    position: dict[str, Any] | None = None
    """The content of position.json."""
    sink: dict[str, Any] | None = None
    """Where the variance of the raw activations lies: ``epsilon2`` by level, and rates."""
    quality: list[str] = field(default_factory=list)
    """Metrics of the dictionary, in the order of the table."""
    examples: dict[str, Any] | None = None
    """Contexts and promoted tokens of every feature."""
    notes: list[str] = field(default_factory=list)
    """What a reader must know: how text was cut, what was left out, what was not run."""
    case: SafetyCase | None = None
    """The argument, shown first."""
    transfer: dict[str, Any] | None = None
    """The content of transfer.json."""
    candidates: dict[str, Any] | None = None
    """The content of candidates.json."""
    monitor: dict[str, Any] | None = None
    """The content of monitor.json; the long rows of its features are not needed."""


def write_page(path: Path, page: Page) -> None:
    """Render the page and write it atomically."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    folder = resources.files("assay.reporting") / "templates"
    environment = Environment(
        loader=FunctionLoader(lambda name: (folder / name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = figures.percent
    environment.filters["number"] = figures.number
    environment.filters["interval"] = figures.interval
    environment.filters["decimals"] = transfer_plots.decimals
    environment.filters["ends"] = transfer_plots.ends
    environment.filters["words"] = transfer_plots.words
    html = environment.get_template("report.html.j2").render(
        page=page,
        by_metric={record.metric: record for record in page.evidence},
        plots=_plots(page),
        label_colours=LABEL_COLOURS,
        data=pack({"rows": _table_rows(page.position), "examples": page.examples}),
        style="\n".join(
            (folder / name).read_text(encoding="utf-8") for name in ("style.css", "results.css")
        ),
        status_colours=STATUS_COLOURS,
        verdict_colours=VERDICT_COLOURS,
        **_results(page),
        script=(folder / "features.js").read_text(encoding="utf-8"),
    )
    with atomic_file(path) as aside:
        aside.write_text(html, encoding="utf-8")


def _results(page: Page) -> dict[str, Any]:
    """The sections of the case and of what it rests on; None for what the page does not have."""
    from assay.reporting.candidate_view import candidates_view
    from assay.reporting.case_view import case_view
    from assay.reporting.monitor_view import monitor_view
    from assay.reporting.open_view import open_view
    from assay.reporting.transfer_view import transfer_view

    shown = {
        "case": page.case and case_view(page.case),
        "transfer": page.transfer and transfer_view(page.transfer),
        "candidates": page.candidates and candidates_view(page.candidates, page.transfer),
        "monitor": page.monitor and monitor_view(page.monitor),
        "open": (page.case or page.transfer) and open_view(page.case, page.transfer),
    }
    sections = {name: words for name, words in SECTIONS.items() if shown.get(name)}
    if sections:
        sections |= {"run": "The dictionary", "evidence": "Evidence"}
    return {**shown, "sections": sections}


def _plots(page: Page) -> dict[str, str]:
    from assay.reporting import plots

    drawn: dict[str, str] = {}
    if page.sink is not None:
        drawn["sink"] = plots.sink_bars(page.sink["epsilon2"])
    if page.position is None:
        return drawn
    features = page.position["features"]
    drawn["density"] = plots.density_histogram([f["firing_rate"] for f in features])
    histograms = {}
    for level, name in plots.LEVEL_NAMES.items():
        shares = [f["levels"][level]["eta2_split_half"] for f in features]
        histograms[name] = [share for share in shares if share is not None]
    drawn["variance"] = plots.share_histogram(
        histograms,
        "variance explained by position (split-half η²)",
        {name: LEVEL_COLOURS[level] for level, name in plots.LEVEL_NAMES.items()},
    )
    causal = [f["causal"] for f in features if f["causal"] is not None]
    if causal:
        drawn["causal"] = plots.share_histogram(
            {
                name: [c[key] for c in causal if c[key] is not None]
                for name, key in zip(SHARE_COLOURS, ("t_pos", "s_int", "s_pos"), strict=True)
            },
            "causal share of the feature's variance",
            SHARE_COLOURS,
        )
    if page.position["summary"]["labels"]:
        drawn["labels"] = plots.label_bar(page.position["summary"]["labels"])
    return drawn


def _table_rows(position: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The features as the table wants them: short keys, rounded figures."""
    if position is None:
        return []
    rows = []
    for f in position["features"]:
        causal = f["causal"]
        rows.append(
            {
                "f": f["feature"],
                "r": _short(f["firing_rate"]),
                "n": f["firing_documents"],
                "l": f["label"] or NOT_LABELLED,
                "e": {
                    level: [_short(values["eta2_split_half"]), *map(_short, values["ci"])]
                    for level, values in f["levels"].items()
                },
                "z": {level: _short(values["eta2_null"]) for level, values in f["levels"].items()},
                "q": _short(f["q"]),
                "i": _short(f["indicator"]),
                "m": _short(f["magnitude"]),
                "s": _short(f["selectivity"]),
                "c": causal
                and {
                    name: [_short(causal[name + end]) for end in ("", "_low", "_high")]
                    for name in ("s_pos", "s_ctx", "s_int", "t_pos")
                },
            }
        )
    return rows


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")
