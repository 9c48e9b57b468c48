"""RESULTS.md holds one section a benchmark; each benchmark rewrites its own."""

from __future__ import annotations

import re
from pathlib import Path


def write_section(path: Path, name: str, title: str, lines: list[str]) -> None:
    """Replace the section between this benchmark's markers, or append it."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    section = "\n".join([begin, f"## {title}", "", *lines, end])
    text = path.read_text() if path.is_file() else "# Benchmark results\n"
    pattern = re.escape(begin) + ".*?" + re.escape(end)
    if re.search(pattern, text, re.DOTALL):
        text = re.sub(pattern, lambda _: section, text, flags=re.DOTALL)
    else:
        text = f"{text.rstrip()}\n\n{section}\n"
    path.write_text(text)
