"""Every example in a docstring gives what it says."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import assay

SOURCE = Path(assay.__file__).parent
WITH_EXAMPLES = sorted(
    path for path in SOURCE.rglob("*.py") if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_examples_in_docstrings_give_what_they_say(path):
    name = ".".join(("assay", *path.relative_to(SOURCE).with_suffix("").parts))
    found = doctest.testmod(importlib.import_module(name), raise_on_error=False)
    assert found.attempted > 0
    assert found.failed == 0


def test_the_central_pure_functions_have_examples():
    named = {path.stem for path in WITH_EXAMPLES}
    assert named >= {"intervals", "tolerance", "roc", "sites", "rules", "aggregation", "judging"}
