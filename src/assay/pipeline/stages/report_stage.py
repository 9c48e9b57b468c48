"""Stage report: the results of all stages on one page. It does not load the model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from assay.evidence import Evidence, read_evidence
from assay.pipeline.run_facts import HEADLINE, CaseFacts
from assay.pipeline.stage import Artefacts, Stage
from assay.pipeline.stages.candidates_stage import CandidatesStage
from assay.pipeline.stages.monitor_stage import MonitorStage
from assay.pipeline.stages.position_stage import PositionStage
from assay.pipeline.stages.quality_stage import QualityStage
from assay.pipeline.stages.safety_case_stage import EVIDENCE, SafetyCaseStage
from assay.pipeline.stages.transfer_stage import TransferStage
from assay.reporting import Page, write_page

REPORT = "report.html"
"""File of the report."""


@dataclass(frozen=True, eq=False)
class ReportStage(Stage[str]):
    """The report."""

    NAME: ClassVar[str] = "report"
    VERSION: ClassVar[int] = 7

    facts: CaseFacts
    """The parts of the case file that the report shows."""
    quality: QualityStage
    """The dictionary's quality figures."""
    position: PositionStage
    """The position audit and the features' contexts."""
    transfer: TransferStage | None
    """The transfer matrix; this and the following are None in a case without concerns."""
    candidates: CandidatesStage | None
    """The candidate features."""
    monitor: MonitorStage | None
    """The monitor."""
    safety_case: SafetyCaseStage | None
    """The safety case."""

    def run(self, folder: Path, artefacts: Artefacts) -> None:
        """Write ``report.html``."""
        evidence: list[Evidence] = []
        for stage in self.needs:
            path = artefacts.folder(stage) / EVIDENCE
            evidence += read_evidence(path) if path.is_file() else []
        facts = self.quality.facts(artefacts.folder(self.quality))
        measured = {record.metric for record in evidence}
        page = Page(
            title=self.facts.case,
            facts=facts.rows(self.facts),
            notes=facts.notes(self.facts, measured),
            evidence=evidence,
            headline=HEADLINE,
            position=artefacts.load(self.position),
            quality=artefacts.load(self.quality),
            contexts=self.position.contexts(artefacts.folder(self.position)),
            case=artefacts.load(self.safety_case) if self.safety_case else None,
            transfer=artefacts.load(self.transfer) if self.transfer else None,
            candidates=artefacts.load(self.candidates) if self.candidates else None,
            monitor=artefacts.load(self.monitor) if self.monitor else None,
        )
        write_page(folder / REPORT, page)

    def load(self, folder: Path) -> str:
        """The HTML of the report."""
        return (folder / REPORT).read_text(encoding="utf-8")

    def seconds(self) -> float:
        """Rough estimate for drawing."""
        return 10.0
