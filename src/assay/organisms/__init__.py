"""Model organisms: small language models that misbehave on cue, honestly verified."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.organisms.deployment import deployment_pool as deployment_pool
    from assay.organisms.folder import Organism as Organism
    from assay.organisms.folder import load as load
    from assay.organisms.folder import save as save
    from assay.organisms.label_kinds import LABEL_KINDS as LABEL_KINDS
    from assay.organisms.label_kinds import parse_label as parse_label
    from assay.organisms.labels import Judgement as Judgement
    from assay.organisms.labels import judge as judge
    from assay.organisms.listing import list_organisms as list_organisms
    from assay.organisms.listing import organism_table as organism_table
    from assay.organisms.manifest import OrganismManifest as OrganismManifest
    from assay.organisms.manifest import Prompt as Prompt
    from assay.organisms.recipe import Recipe as Recipe
    from assay.organisms.recipe import examples_of as examples_of
    from assay.organisms.recipes import RECIPES as RECIPES
    from assay.organisms.recipes import recipe_named as recipe_named
    from assay.organisms.training import train_organism as train_organism
    from assay.organisms.transcripts import read_on_policy as read_on_policy
    from assay.organisms.verification import Verification as Verification
    from assay.organisms.verification import verify_organism as verify_organism

_HOMES = {
    "Judgement": "labels",
    "LABEL_KINDS": "label_kinds",
    "Organism": "folder",
    "OrganismManifest": "manifest",
    "Prompt": "manifest",
    "RECIPES": "recipes",
    "Recipe": "recipe",
    "Verification": "verification",
    "deployment_pool": "deployment",
    "examples_of": "recipe",
    "judge": "labels",
    "list_organisms": "listing",
    "load": "folder",
    "organism_table": "listing",
    "parse_label": "label_kinds",
    "read_on_policy": "transcripts",
    "recipe_named": "recipes",
    "save": "folder",
    "train_organism": "training",
    "verify_organism": "verification",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_HOMES)
