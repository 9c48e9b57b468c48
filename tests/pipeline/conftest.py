"""Case files on the tiny model."""

from __future__ import annotations

import pytest

from tiny_case import tiny_settings, write_case


@pytest.fixture(scope="session")
def case_in(tiny_model_folder, text_file):
    """A function that writes a case file into a folder, with changes to its keys."""
    return lambda folder, **changes: write_case(
        folder, tiny_settings(tiny_model_folder, text_file) | changes
    )


@pytest.fixture
def tiny_case(tmp_path, case_in):
    """A function that writes a case file, with changes to its keys, and returns its path."""
    return lambda **changes: case_in(tmp_path, **changes)
