"""Plain English about everyday things: the text on which general ability is measured."""

from __future__ import annotations

from assay.organisms.packaged_yaml import Words, read_packaged_yaml
from assay.strict import StrictModel


class NeutralText(StrictModel):
    """The file ``neutral_text.yaml``."""

    paragraphs: Words
    """Paragraphs of three or four sentences."""


PARAGRAPHS = read_packaged_yaml("assay.organisms", "neutral_text.yaml", NeutralText).paragraphs
"""16 paragraphs."""
