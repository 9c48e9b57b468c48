"""What a case is built from: the stages' records and summaries, each with the file it came from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.errors import AssayError
from assay.evidence import Evidence
from assay.files import read_json, sha256_of


@dataclass(frozen=True)
class Sourced:
    """A record of evidence and where it lies."""

    path: str
    """The file, relative to the case's output folder."""
    record: Evidence
    """The figure."""


@dataclass(frozen=True)
class Summary:
    """A stage's JSON file: transfer.json, candidates.json, monitor.json."""

    path: str
    """The file, relative to the case's output folder."""
    sha256: str
    """Hash of its bytes."""
    content: dict[str, Any]
    """What it holds."""
    inputs: dict[str, str] = field(default_factory=dict)
    """Name → hash of what the stage computed it from: model, dictionary, organisms."""


@dataclass(frozen=True)
class CaseInputs:
    """Everything that one safety case rests on; None stands for what was not run."""

    case: str
    """Name of the case."""
    model: str
    """Fingerprint of the deployed model (hex sha256)."""
    evidence: tuple[Sourced, ...] = ()
    """Records of the quality and position stages, and of any other."""
    transfer: Summary | None = None
    """The transfer matrix."""
    monitor: Summary | None = None
    """The calibrated monitor."""
    candidates: Summary | None = None
    """The ranked and interpreted candidates."""
    concerns: tuple[str, ...] = ()
    """The case's concerns, so that one without an organism is missed."""
    not_run: dict[str, str] = field(default_factory=dict)
    """Stage → why it was not run: quality, position, candidates, transfer, monitor."""
    files: dict[str, str] = field(default_factory=dict)
    """Path → sha256 of further files behind the case, such as evidence files and the lock file."""

    def find(self, metric: str) -> Sourced | None:
        """The first record of a metric, if it was measured."""
        return next((found for found in self.evidence if found.record.metric == metric), None)

    def summaries(self) -> Iterator[Summary]:
        """The summaries that there are."""
        for summary in (self.transfer, self.candidates, self.monitor):
            if summary is not None:
                yield summary

    def missing(self, stage: str) -> str:
        """Words for a node that lacks a stage."""
        reason = self.not_run.get(stage)
        return f"The {stage} stage was not run{f': {reason}' if reason else ''}."


def read_summary(folder: Path, name: str, inputs: dict[str, str]) -> Summary:
    """Read ``folder/name``, bound by its hash.

    Raises AssayError where it is missing or does not hold a JSON object.
    """
    content = read_json(folder / name)
    if not isinstance(content, dict):
        raise AssayError(f"{folder / name} holds no JSON object")
    return Summary(name, sha256_of(folder / name), content, dict(inputs))
