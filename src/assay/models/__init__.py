"""A language model opened up: load it, read and edit its activations, generate."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.models.architectures import Architecture as Architecture
    from assay.models.capturing import capture as capture
    from assay.models.cross_entropy import token_cross_entropy as token_cross_entropy
    from assay.models.editing import edit as edit
    from assay.models.generation import generate as generate
    from assay.models.language_model import LanguageModel as LanguageModel
    from assay.models.loading import load_model as load_model
    from assay.models.loading import wrap_model as wrap_model
    from assay.models.logit_lens import promoted_tokens as promoted_tokens
    from assay.models.prefix_caching import cache_prefix as cache_prefix
    from assay.models.prefixes import Prefix as Prefix
    from assay.models.sites import Site as Site

_HOMES = {
    "Architecture": "architectures",
    "LanguageModel": "language_model",
    "Prefix": "prefixes",
    "Site": "sites",
    "cache_prefix": "prefix_caching",
    "capture": "capturing",
    "edit": "editing",
    "generate": "generation",
    "load_model": "loading",
    "promoted_tokens": "logit_lens",
    "token_cross_entropy": "cross_entropy",
    "wrap_model": "loading",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_HOMES)
