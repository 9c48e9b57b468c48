"""The published schemas of an organism's files are those of the code."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from assay.organisms import Verification, organism_schema, organism_transcript_schema

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("organism", organism_schema),
        ("organism_transcript", organism_transcript_schema),
        ("verification", Verification.schema_of_file),
    ],
)
def test_the_published_schema_is_that_of_the_code(name, schema):
    assert json.loads((SCHEMAS / f"{name}.schema.json").read_text()) == schema()


def test_the_schema_refuses_what_the_code_refuses():
    manifest = {
        "name": "x",
        "base": "b",
        "stands_for": "s",
        "severity": "high",
        "label": {"kind": "regex", "misbehaves": "x"},
        "sha256": "0" * 64,
    }
    jsonschema.validate(manifest, organism_schema())
    for wrong in ({"severity": "low"}, {"sha256": "0"}, {"label": {"kind": "nix"}}, {"key": 1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(manifest | wrong, organism_schema())
