"""The code blocks of a Markdown page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    page: Path
    line: int
    """Line of its first line of code in the page, from 1."""
    code: str

    def compiled(self):
        """The code object; a traceback names the page and the line."""
        return compile("\n" * (self.line - 1) + self.code, str(self.page), "exec")


def blocks_of(page: Path, language: str = "python") -> list[Block]:
    """The page's blocks in one language, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(page, text[: found.start(2)].count("\n") + 1, found[2])
        for found in _BLOCK.finditer(text)
        if found[1] == language
    ]


def run_blocks(blocks, **given) -> dict:
    """Run blocks one after another in one namespace that holds ``given``, and return it."""
    namespace = dict(given)
    for block in blocks:
        exec(block.compiled(), namespace)
    return namespace
