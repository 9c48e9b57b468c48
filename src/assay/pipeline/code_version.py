"""Which Assay made a run: its version and the hash of its source."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import assay
from assay.files import sha256_of, sha256_of_json

LEFT_OUT = ("__pycache__",)


@cache
def code_version() -> str:
    """Such as ``0.3.0 (1f6a09…)``: the version, and the first 16 digits of the source's hash."""
    root = Path(assay.__file__).parent
    files = sorted(p for p in root.rglob("*") if p.is_file() and p.parent.name not in LEFT_OUT)
    rows = [[path.relative_to(root).as_posix(), sha256_of(path)] for path in files]
    return f"{assay.__version__} ({sha256_of_json(rows)[:16]})"
