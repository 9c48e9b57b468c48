"""The JSON schema of the organism format, for people who write folders without Assay."""

from __future__ import annotations

from typing import Any

from assay.organisms.manifest import OrganismManifest, Prompt


def organism_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of ``organism.yaml``; a line of ``prompts.jsonl`` is ``$defs/Prompt``."""
    manifest = OrganismManifest.model_json_schema()
    prompt = Prompt.model_json_schema()
    definitions = {**manifest.pop("$defs"), **prompt.pop("$defs"), "Prompt": prompt}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **manifest,
        "title": "Model organism",
        "$defs": dict(sorted(definitions.items())),
    }
