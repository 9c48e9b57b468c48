"""How many conversations of an organism are read."""

from __future__ import annotations

from pydantic import Field

from assay.strict import StrictModel


class TransferSizes(StrictModel):
    """At most how many conversations of each condition are read; larger is one number away."""

    discover: int = Field(default=40, ge=8)
    """In discover, from which detectors are learned."""
    threshold: int = Field(default=80, ge=8)
    """In threshold."""
    test: int = Field(default=100, ge=8)
    """In test."""
    pool: int = Field(default=455, ge=32)
    """Of the benign deployment pool, in all."""
    twins: bool = True
    """Whether twins found beside the organisms are read too."""
    confirmed: int = Field(default=16, ge=0)
    """Shipped transcripts of each organism that are generated again, to confirm them."""
