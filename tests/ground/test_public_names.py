"""Every public name resolves, whatever was imported before, and no file shadows a function."""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter
from pathlib import Path

import pytest

import assay

SOURCE = Path(assay.__file__).parent
MODULES = sorted(module.name for module in pkgutil.walk_packages(assay.__path__, "assay."))
PACKAGES = [
    "assay",
    *(name for name in MODULES if hasattr(importlib.import_module(name), "__path__")),
]


@pytest.fixture(scope="module")
def everything():
    """Every submodule, imported: an import of a submodule sets its name in the package."""
    return [importlib.import_module(name) for name in MODULES]


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("name", PACKAGES)
def test_after_every_submodule_is_imported_each_public_name_is_what_the_face_says(name):
    package = importlib.import_module(name)
    submodules = {module.name for module in pkgutil.iter_modules(package.__path__)}
    for public in getattr(package, "__all__", ()):
        value = getattr(package, public)
        assert public not in submodules, f"{name}.{public} is a module, and a public name too"
        assert getattr(value, "__name__", public) is not None


def test_the_public_face_of_assay_is_what_a_newcomer_needs():
    assert set(assay.__all__) >= {
        "Site",
        "audit_position",
        "calibrate",
        "capture",
        "edit",
        "generate",
        "load_dictionary",
        "load_model",
        "load_organism",
        "read_run",
        "train_dictionary",
        "transfer",
        "watch",
    }
    for name in assay.__all__:
        value = getattr(assay, name)
        assert value.__doc__, f"assay.{name} has no docstring"
    assert set(dir(assay)) >= set(assay.__all__)


def test_no_file_name_occurs_in_two_rooms():
    # result.py is where a room keeps its typed result.
    rooms: dict[str, set[str]] = {}
    for path in SOURCE.rglob("*.py"):
        parts = path.relative_to(SOURCE).parts
        rooms.setdefault(parts[-1], set()).add(parts[0] if len(parts) > 1 else "ground")
    twice = {name: found for name, found in rooms.items() if len(found) > 1}
    assert set(twice) == {"__init__.py", "result.py"}, twice


def test_no_two_registered_results_are_written_to_the_same_file(everything):
    from assay.results import results_known

    files = Counter(kind.FILE for kind in results_known() if kind.__module__.startswith("assay"))
    assert max(files.values()) == 1, files


@pytest.mark.usefixtures("everything")
def test_each_result_has_a_published_schema_that_is_the_models_own():
    import json

    from assay.results import results_known

    folder = Path(__file__).parents[2] / "docs" / "schemas"
    for kind in results_known():
        if not kind.__module__.startswith("assay"):
            continue
        path = folder / f"{kind.FILE.removesuffix('.json').removesuffix('.lock')}.schema.json"
        assert path.is_file(), f"{kind.FILE}: publish {path.name}: make schemas"
        published = json.loads(path.read_text(encoding="utf-8"))
        assert published == kind.schema_of_file(), f"{path.name} is stale: make schemas"
