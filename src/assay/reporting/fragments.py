"""One result as a piece of HTML, for a notebook: the section of the report, with its own style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.concerns.candidates.result import CandidateReport
from assay.concerns.matrix.result import TransferMatrix
from assay.dictionaries.quality_result import QualityResult
from assay.errors import AssayError
from assay.evidence import Evidence
from assay.monitoring.result import Monitor
from assay.position.result import PositionResult
from assay.reporting.candidate_view import view_candidates
from assay.reporting.case_view import view_case
from assay.reporting.monitor_view import view_monitor
from assay.reporting.position_view import view_position
from assay.reporting.quality_view import view_quality
from assay.reporting.rendering import render, template_file
from assay.reporting.transfer_view import view_transfer
from assay.results import Result
from assay.safety_case.result import SafetyCase


def html_of(result: Result) -> str:
    """The result's section of the report as HTML that stands alone, without script or network.

    Takes a TransferMatrix, CandidateReport, Monitor, SafetyCase, PositionResult (without the
    searchable table of features) or QualityResult. Raises AssayError for any other result.
    """
    html = notebook_html(result)
    if html is None:
        raise AssayError(f"the report has no section for a {type(result).__name__}")
    return html


def notebook_html(result: Result) -> str | None:
    """The same as ``html_of``, but None for a result without a section."""
    if isinstance(result, TransferMatrix):
        return _fragment("transfer.html.j2", transfer=view_transfer(result))
    if isinstance(result, CandidateReport):
        return _fragment("candidates.html.j2", candidates=view_candidates(result, None))
    if isinstance(result, Monitor):
        return _fragment("monitor.html.j2", monitor=view_monitor(result))
    if isinstance(result, SafetyCase):
        return _fragment("case.html.j2", case=view_case(result))
    if isinstance(result, PositionResult):
        return _fragment("position.html.j2", position=view_position(result))
    if isinstance(result, QualityResult):
        return _fragment("quality.html.j2", quality=view_quality(result), position=None)
    return None


def html_of_run(
    case: str, claims: Mapping[str, str], figures: Sequence[Evidence], *, report: str | None
) -> str:
    """A run in short: its top claims with their status, its figures, and where the report is.

    ``claims`` maps the label of each claim to its status; ``report`` is the path of the report's
    file, or None where it was not made.
    """
    return _fragment("run_result.html.j2", case=case, claims=claims, figures=figures, report=report)


def _fragment(section: str, **views: object) -> str:
    style = template_file("sections.css")
    return render("fragment.html.j2", section=section, style=style, **views)
