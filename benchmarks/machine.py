"""The machine and the versions on which figures were measured, in one line."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from datetime import UTC, datetime
from pathlib import Path


def describe_machine(packages: tuple[str, ...] = ("torch", "transformers")) -> str:
    """Date, processor, cores, what arithmetic it has, and versions."""
    processor, flags = platform.processor() or platform.machine(), ""
    information = Path("/proc/cpuinfo")
    if information.is_file():
        facts = dict(
            (part.strip() for part in line.split(":", 1))
            for line in information.read_text().splitlines()
            if ":" in line
        )
        processor = facts.get("model name", processor)
        wanted = [flag for flag in ("avx512f", "avx512_bf16", "amx_bf16") if flag in facts["flags"]]
        flags = f", {' '.join(wanted)}"
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}; {processor}, {os.cpu_count()} cores{flags}; "
        f"Python {platform.python_version()}, {versions}"
    )
