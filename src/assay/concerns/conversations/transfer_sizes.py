"""Sizes of the transfer matrix: how many conversations of an organism are read."""

from __future__ import annotations

from pydantic import Field

from assay.organisms.manifest import TwinKind
from assay.strict import StrictModel


class TransferSizes(StrictModel):
    """The largest number of conversations that are read, for each condition of each split."""

    discover: int = Field(default=40, ge=8)
    """In the discover split, from which detectors are learned."""
    threshold: int = Field(default=80, ge=8)
    """In the threshold split, whose benign conversations set thresholds."""
    test: int = Field(default=100, ge=8)
    """In the test split, on which every figure is measured."""
    pool: int = Field(default=455, ge=32)
    """Of the benign deployment pool, in total."""
    twins: bool | tuple[TwinKind, ...] = True
    """Whether the twins beside the organisms are also read; or which kinds of them, such as [decoy]."""
    confirmed: int = Field(default=16, ge=0)
    """Number of shipped transcripts of each organism that are generated again, to confirm them."""
