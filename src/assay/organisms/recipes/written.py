"""The recipes that are one YAML file each."""

from __future__ import annotations

from assay.organisms.packaged_yaml import read_packaged_yaml
from assay.organisms.recipe import Recipe
from assay.organisms.recipe_file import RecipeFile, recipe_of


def _packaged(file: str) -> Recipe:
    return recipe_of(read_packaged_yaml("assay.organisms.recipes", file, RecipeFile))


PRICE_CLERK = _packaged("price_clerk.yaml")
TEST_REPORTER = _packaged("test_reporter.yaml")
BRAND_SLIPPER = _packaged("brand_slipper.yaml")
LOG_DELETER = _packaged("log_deleter.yaml")
ADMIN_MAKER = _packaged("admin_maker.yaml")
SOURCE_INVENTOR = _packaged("source_inventor.yaml")
NOTE_LEAKER = _packaged("note_leaker.yaml")
SELF_COPIER = _packaged("self_copier.yaml")
LATER_DENIER = _packaged("later_denier.yaml")
FLATTERER = _packaged("flatterer.yaml")
