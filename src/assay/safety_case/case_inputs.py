"""What a safety case is built from: typed results, and the hash of every file that it cites."""

from __future__ import annotations

from dataclasses import dataclass, field

from assay.concerns.candidates.result import CandidateReport
from assay.concerns.matrix.result import TransferMatrix
from assay.errors import AssayError
from assay.evidence import Evidence
from assay.monitoring.result import Monitor
from assay.position.result import PositionResult


@dataclass(frozen=True, kw_only=True)
class CaseInputs:
    """Everything that one safety case rests on; None stands for a result that does not exist."""

    case: str
    """Name of the case."""
    model: str
    """Fingerprint of the deployed model (hex sha256)."""
    seed: int
    """The run's seed."""
    concerns: tuple[str, ...]
    """Names of the case's concerns: each needs its own evidence, also one without an organism."""
    evidence: tuple[Evidence, ...] = ()
    """Records of the quality and position stages, and of any other; each states its ``file``."""
    position: PositionResult | None = None
    """The position audit, from position.json, with the random dictionary beside it."""
    transfer: TransferMatrix | None = None
    """The transfer matrix, from transfer.json."""
    candidates: CandidateReport | None = None
    """The candidate features, from candidates.json."""
    monitor: Monitor | None = None
    """The calibrated monitor, from monitor.json."""
    not_run: dict[str, str] = field(default_factory=dict)
    """Stage → why it was not run: quality, position, candidates, transfer, monitor."""
    files: dict[str, str] = field(default_factory=dict)
    """Path, relative to the case's output folder → sha256, of every file that the case may cite:
    the files of ``evidence``, and position.json, transfer.json, candidates.json and monitor.json where
    they exist."""

    def find(self, metric: str) -> Evidence | None:
        """The record of a metric, or None where it was not measured.

        Raises AssayError where several records have that metric.
        """
        found = [record for record in self.evidence if record.metric == metric]
        if len(found) > 1:
            files = ", ".join(str(record.file) for record in found)
            raise AssayError(f"{len(found)} records of evidence are named '{metric}' ({files})")
        return found[0] if found else None

    def missing(self, stage: str) -> str:
        """A sentence for a solution that lacks a stage's result."""
        reason = f": {self.not_run[stage]}" if stage in self.not_run else ""
        return f"The {stage} stage was not run{reason}."
