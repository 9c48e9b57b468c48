"""Sizes of the crossed design; a case file embeds them as ``audit.causal``. Loads no heavy library."""

from __future__ import annotations

from pydantic import Field

from assay.strict import StrictModel


class CrossedSizes(StrictModel):
    """Sizes of the crossed design. It runs contents × length × offsets × fillers tokens."""

    contents: int = Field(default=128, ge=8)
    """Pieces of text, each run at every offset; spread over as many documents as there are."""
    offsets: int = Field(default=3, ge=2)
    """Number of offsets, evenly spaced."""
    fillers: int = Field(default=8, ge=2)
    """Filler texts for each offset, the same for every content, where the model needs them."""
    largest_offset: int | None = Field(default=None, ge=1)
    """Largest offset in tokens; None takes 384, or less where the model was trained for less."""
    content_length: int | None = Field(default=None, ge=16)
    """Tokens of a content; None takes the whole crop."""
    guarded_contents: int = Field(default=16, ge=1)
    """Contents on which the cross-entropy at each offset is checked."""
    guarded_fillers: int = Field(default=4, ge=2)
    """Fillers of each offset with which it is checked."""
    beside_contents: int = Field(default=48, ge=2)
    """Contents for the noise floor and for the distance to the sink, on rotary models."""
    batch: int = Field(default=16, ge=1)
    """Contents in a forward pass."""


DEFAULT_SIZES = CrossedSizes()
"""The sizes of an audit that names none."""
