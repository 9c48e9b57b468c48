"""The report: one HTML page, complete in itself, from what the stages measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from assay.concerns.candidates.result import CandidateReport
from assay.concerns.matrix.result import TransferMatrix
from assay.dictionaries.decoded_contexts import DecodedContexts
from assay.dictionaries.quality_result import QualityResult
from assay.evidence import Evidence
from assay.files import atomic_file
from assay.monitoring.result import Monitor
from assay.position.result import PositionResult
from assay.position.separation_evidence import SEPARATED_FEATURES
from assay.reporting.candidate_view import view_candidates
from assay.reporting.case_view import view_case
from assay.reporting.feature_table import packed_table
from assay.reporting.monitor_view import view_monitor
from assay.reporting.number_format import percent
from assay.reporting.open_points_view import view_open_points
from assay.reporting.position_view import view_position
from assay.reporting.quality_view import view_quality
from assay.reporting.rendering import render, template_file
from assay.reporting.transfer_view import view_transfer
from assay.safety_case.result import SafetyCase

STYLES = ("page.css", "sections.css")
"""Style sheets of the page, in order."""


class Fact(NamedTuple):
    """Something that a reader must know about the run."""

    name: str
    """What it is, such as site."""
    value: str
    """Its value, in words."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a page shows. What was not measured is None or empty, and the page says that it was not."""

    title: str
    """Name of the case, or of the audit."""
    facts: Sequence[Fact]
    """What was run."""
    evidence: Sequence[Evidence]
    """The records of evidence."""
    headline: Sequence[str]
    """Metrics of the evidence, shares, that are shown large."""
    notes: Sequence[str] = ()
    """What a reader must know: how text was cut, what was left out, what was not run."""
    case: SafetyCase | None = None
    """The argument, shown first."""
    transfer: TransferMatrix | None = None
    """The transfer matrix."""
    candidates: CandidateReport | None = None
    """The candidate features."""
    monitor: Monitor | None = None
    """The calibrated monitor."""
    quality: QualityResult | None = None
    """The dictionary's quality, and where the variance of the raw activations lies."""
    position: PositionResult | None = None
    """The position audit."""
    contexts: DecodedContexts | None = None
    """Where each feature fires, as text, and what it promotes."""


class SectionLink(NamedTuple):
    """A link at the top of the page."""

    anchor: str
    """Id of the section's heading."""
    words: str
    """Its name."""


class HeadlineCard(NamedTuple):
    """A figure that is shown large."""

    metric: str
    """What was measured."""
    record: Evidence | None
    """The figure; None where it was not measured."""
    beside: str
    """What the figure must be compared with, in words; empty where nothing was measured beside it."""


def write_page(path: Path, page: Page) -> None:
    """Render the page and write it atomically. The same results give the same bytes."""
    html = render_page(page)
    with atomic_file(path) as aside:
        aside.write_text(html, encoding="utf-8")


def render_page(page: Page) -> str:
    """The page as HTML: styles, drawings, data and script are in it, and it asks for nothing else."""
    found = {record.metric: record for record in page.evidence}
    return render(
        "report.html.j2",
        page=page,
        links=_links(page),
        cards=[
            HeadlineCard(metric, found.get(metric), _beside(metric, page.position))
            for metric in page.headline
        ],
        case=page.case and view_case(page.case),
        transfer=page.transfer and view_transfer(page.transfer),
        candidates=page.candidates and view_candidates(page.candidates, page.transfer),
        monitor=page.monitor and view_monitor(page.monitor),
        open=view_open_points(page.case, page.transfer) if page.case or page.transfer else None,
        quality=page.quality and view_quality(page.quality),
        position=page.position and view_position(page.position),
        data=packed_table(page.position, page.contexts),
        style="\n".join(template_file(name) for name in STYLES),
        script=template_file("features.js"),
    )


def _beside(metric: str, position: PositionResult | None) -> str:
    """What a random dictionary reaches, beside the share of well-separated features."""
    if metric != SEPARATED_FEATURES or position is None:
        return ""
    random = position.random_dictionary
    if random is None:
        return "Not compared with a random dictionary."
    return f"A random dictionary that fires as often: {percent(random.well_separated)}."


def _links(page: Page) -> list[SectionLink]:
    """The sections of a case; none for a page that only shows a dictionary."""
    shown = (
        (page.case, SectionLink("case", "The safety case")),
        (page.transfer, SectionLink("transfer", "Transfer")),
        (page.candidates, SectionLink("candidates", "Candidates")),
        (page.monitor, SectionLink("monitor", "Monitor")),
        (page.case or page.transfer, SectionLink("open", "What is open")),
    )
    links = [link for result, link in shown if result is not None]
    if not links:
        return []
    links.append(SectionLink("run", "The dictionary"))
    if page.position is not None:
        links.append(SectionLink("all-features", "Features"))
    return [*links, SectionLink("evidence", "Evidence")]
