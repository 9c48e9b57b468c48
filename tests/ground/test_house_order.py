"""Rooms import only rooms before them, and importing Assay costs next to nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import assay

ROOMS = (
    "statistics",
    "evidence",
    "models",
    "text",
    "activations",
    "dictionaries",
    "position",
    "attention",
    "steering",
    "organisms",
    "concerns",
    "monitoring",
    "traces",
    "safety_case",
    "reporting",
    "pipeline",
    "demonstration",
    "cli",
)
GROUND = (
    *("errors", "files", "randomness", "progress", "downloads", "strict", "json_lines"),
    *("results", "frames", "registry", "__version__"),
)
SOURCE = Path(assay.__file__).parent
MODULES = sorted(SOURCE.rglob("*.py"))


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            if node.module == "assay":
                yield from (f"assay.{alias.name}" for alias in node.names)
            else:
                yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_each_room_imports_only_rooms_before_it(path):
    own = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    allowed = (*GROUND, *(ROOMS[: ROOMS.index(own) + 1] if own in ROOMS else ()))
    for module in imported(path):
        if module.startswith("assay."):
            assert module.split(".")[1] in allowed, f"{path} imports {module}"


def name_of(path):
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_no_file_imports_in_a_circle_not_even_for_types():
    # A room's face hands names on from its files; only the files themselves are held to this.
    files = {name_of(path): path for path in MODULES if path.name != "__init__.py"}
    arrows = {
        name: {module for module in imported(path) if module in files}
        for name, path in files.items()
    }
    while leaves := [name for name, targets in arrows.items() if not targets]:
        for leaf in leaves:
            del arrows[leaf]
        for targets in arrows.values():
            targets.difference_update(leaves)
    assert not arrows, f"a circle runs through {sorted(arrows)}"


def test_every_folder_is_a_room_of_the_house():
    folders = {p.parent.relative_to(SOURCE).parts[0] for p in MODULES if p.parent != SOURCE}
    assert folders <= set(ROOMS)


def test_importing_any_room_leaves_torch_and_transformers_alone():
    rooms = [room for room in ROOMS if (SOURCE / room / "__init__.py").is_file()]
    lines = "; ".join(f"import assay.{room}" for room in [*rooms, "cli"])
    heavy = "[m for m in ('torch', 'transformers', 'peft', 'altair') if m in sys.modules]"
    result = subprocess.run(
        [sys.executable, "-c", f"import sys; {lines}; print({heavy})"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == "[]"
