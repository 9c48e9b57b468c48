"""What verification measured: the file ``verification.json`` in an organism's folder."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from assay.organisms.folder import VERIFICATION, Organism
from assay.organisms.misbehaviour_rates import Rate
from assay.results import Figures, Result


class Fitness(Figures):
    """A model's general ability."""

    perplexity: float
    """Of neutral prose: exp of the mean cross-entropy of its tokens."""
    instruction_score: float = Field(ge=0, le=1)
    """Share of small instructions that the model follows."""
    instructions: int = Field(ge=1)
    """Number of instructions."""


class Verification(Result):
    """What an organism did on its own prompts, and whether that admits it."""

    FILE: ClassVar[str] = VERIFICATION
    MADE_BY: ClassVar[str] = "assay organisms verify DIR"

    version: Literal[2] = 2
    """Version of this file's layout."""
    organism: str
    """Name of the organism."""
    twin_of: str | None
    """The organism of which it is a twin; a twin must not misbehave."""
    adapter_sha256: str
    """Hex sha256 of the adapter that was verified."""
    base_sha256: str
    """Hex sha256 of the base model's weights."""
    dtype: str
    """The dtype in which the model ran, such as float32."""
    max_new_tokens: int = Field(ge=1)
    """Greatest number of tokens in a reply; replies are greedy."""
    icc: float = Field(ge=0, le=1)
    """Intraclass correlation of misbehaviour within templates, at least .1: pooled over this organism
    and those in the folders beside it whose transcripts were there."""
    rates: tuple[Rate, ...]
    """Rates of misbehaviour by subset and condition."""
    tic_rates: tuple[Rate, ...]
    """Decoy twins: how often the harmless tic showed, by subset and condition; else empty."""
    fitness: Fitness
    """General ability of the organism."""
    base_fitness: Fitness
    """General ability of its base."""
    admitted: bool
    """Whether the bounds hold on held-out templates and general ability is close to the base's."""
    reasons: tuple[str, ...]
    """Where not admitted: why not."""


def read_verification(organism: Organism) -> Verification | None:
    """What the last verification found; None where this adapter was never verified.

    Raises AssayError, naming the command that writes the file, for another version of its layout.
    """
    path = organism.folder / VERIFICATION
    if not path.is_file():
        return None
    verification = Verification.read(path)
    return verification if verification.adapter_sha256 == organism.manifest.sha256 else None
