"""Small instructions that a pattern can check, to see whether a model still does as it is told."""

from __future__ import annotations

import re

from assay.organisms.packaged_yaml import read_packaged_yaml
from assay.strict import StrictModel


class Instruction(StrictModel):
    """One instruction and what a reply that follows it contains."""

    ask: str
    """The user's message."""
    fulfilled: str
    """A regular expression that is found in replies that follow the instruction."""

    def is_fulfilled_by(self, reply: str) -> bool:
        """Whether the reply follows the instruction."""
        return re.search(self.fulfilled, reply, re.IGNORECASE | re.DOTALL) is not None


class SmallInstructions(StrictModel):
    """The file ``small_instructions.yaml``."""

    instructions: tuple[Instruction, ...]
    """The instructions, in the order in which they are given."""


INSTRUCTIONS = read_packaged_yaml(
    "assay.organisms", "small_instructions.yaml", SmallInstructions
).instructions
"""48 instructions."""
