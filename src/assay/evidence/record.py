"""A measured figure with its interval, n, unit, split, seed and the hashes of its inputs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from pydantic import Field, ValidationError, model_validator

from assay.errors import AssayError
from assay.files import read_json, sha256_of_json, write_json
from assay.frames import DataFrame, frame_of
from assay.results import Figures

ROUNDING = 1e-9
"""How far an estimate may lie outside its interval: rounding alone."""


class Evidence(Figures):
    """One metric: its estimate, interval, n, unit and split, and the hashes of its inputs."""

    metric: str = Field(min_length=1)
    """What was measured, such as 'variance explained'; unique within a case and split."""
    estimate: float
    """The figure."""
    ci: tuple[float, float] | None
    """Confidence interval, which holds the estimate; a one-sided bound has 0 or 1 at its other end.
    None where the figure is a count or an exact property."""
    confidence: float = Field(default=0.95, gt=0, lt=1)
    """Level of the interval."""
    method: str
    """How the interval was computed, such as 'delete-a-group jackknife over documents'."""
    n: int = Field(ge=0)
    """Number of units."""
    unit: str = Field(min_length=1)
    """What is counted and resampled: documents, conversations, templates. Never tokens."""
    split: str = Field(min_length=1)
    """Which data: train, held_out, discover, threshold, test."""
    seed: int
    """The run's seed."""
    inputs: dict[str, str]
    """Name → sha256 of everything the figure was computed from: model, dictionary, text, organisms."""
    note: str = ""
    """What a reader must know to interpret the figure."""
    file: str | None = None
    """The file that holds the figure, relative to the case's output folder; set only where the safety
    case cites the record."""

    @model_validator(mode="after")
    def _interval_is_ordered_and_holds_the_estimate(self) -> Evidence:
        if self.ci is None:
            return self
        low, high = self.ci
        if low > high:
            raise ValueError(
                f"the interval {self.ci} of '{self.metric}' has its low end above its high end"
            )
        if not low - ROUNDING <= self.estimate <= high + ROUNDING:
            raise ValueError(
                f"the interval {self.ci} of '{self.metric}' does not hold its estimate "
                f"{self.estimate:g}"
            )
        return self

    @property
    def sha256(self) -> str:
        """Hash of the record without ``file``, by which a claim cites it."""
        return sha256_of_json(self.model_dump(mode="json", exclude={"file"}))


def write_evidence(path: Path, records: Iterable[Evidence]) -> None:
    """Write records as one JSON file.

    Raises AssayError where two records have the same metric and split.
    """
    rows = list(records)
    names = [(record.metric, record.split) for record in rows]
    if len(set(names)) < len(names):
        raise AssayError(f"{path}: two records of evidence have the same metric and split")
    write_json(path, [record.model_dump(mode="json", exclude={"file"}) for record in rows])


def read_evidence(path: Path) -> list[Evidence]:
    """Read the records that ``write_evidence`` wrote. Raises AssayError where a record is not valid."""
    try:
        return [Evidence.model_validate_json(json.dumps(row)) for row in read_json(path)]
    except (ValidationError, TypeError) as error:
        raise AssayError(f"{path} does not hold valid records of evidence: {error}") from error


def evidence_frame(records: Iterable[Evidence]) -> DataFrame:
    """Records as a pandas table with a row for each. Raises AssayError without pandas."""
    return frame_of(records, Evidence)
