"""JSON schemas of an organism's files, for people who write folders without Assay."""

from __future__ import annotations

from typing import Any

from assay.organisms.manifest import OrganismManifest, Prompt
from assay.organisms.on_policy import OrganismTranscript
from assay.results import SCHEMA


def organism_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of ``organism.yaml``; a line of ``prompts.jsonl`` is ``$defs/Prompt``."""
    manifest = OrganismManifest.model_json_schema()
    prompt = Prompt.model_json_schema()
    definitions = {**manifest.pop("$defs"), **prompt.pop("$defs"), "Prompt": prompt}
    return {
        "$schema": SCHEMA,
        **manifest,
        "title": "Model organism",
        "$defs": dict(sorted(definitions.items())),
    }


def organism_transcript_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of one line of ``transcripts.jsonl``."""
    return {"$schema": SCHEMA, **OrganismTranscript.model_json_schema()}
