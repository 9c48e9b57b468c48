"""Print the distributions among the carried wheels that this machine lacks, on one line."""

from __future__ import annotations

import importlib.metadata
import re
import sys
from pathlib import Path

OF_PYDANTIC = ("annotated-types", "pydantic-core", "typing-extensions", "typing-inspection")


def distributions(folder: Path) -> list[str]:
    """Names of the wheels' distributions, rising."""
    return sorted({path.name.split("-")[0].replace("_", "-") for path in folder.glob("*.whl")})


def installed() -> set[str]:
    """Names of what is installed, in the form in which wheels are named."""
    names = (entry.metadata["Name"] for entry in importlib.metadata.distributions())
    return {re.sub(r"[-_.]+", "-", name).lower() for name in names if name}


def main() -> None:
    here = installed()
    lacking = [name for name in distributions(Path(sys.argv[1])) if name.lower() not in here]
    if "pydantic" in lacking:
        # It works with one version of its core, and with recent versions of the others.
        lacking = sorted({*lacking, *OF_PYDANTIC})
    print(" ".join(lacking))


if __name__ == "__main__":
    main()
