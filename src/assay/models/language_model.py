"""A causal language model with its parts known."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import nn

from assay.errors import AssayError
from assay.models.architectures import Architecture
from assay.models.fingerprints import fingerprint_of
from assay.models.sites import HEAD_KINDS, KINDS, Site
from assay.models.weight_hashes import adapter_in_place_sha256, weights_sha256


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """A causal language model with its parts known: what every function that runs a model takes."""

    name: str
    """Catalogue name, folder or hub id, as it was asked for."""
    module: nn.Module = field(repr=False)
    """The transformers causal language model (with adapter layers in place, if any)."""
    tokenizer: Any = field(repr=False)
    """The transformers tokenizer, or None."""
    architecture: Architecture = field(repr=False)
    """Where the family keeps its parts."""
    n_layers: int
    """Number of blocks."""
    d_model: int
    """Width of the residual stream."""
    n_heads: int
    """Number of query heads."""
    n_kv_heads: int
    """Number of key-value heads; smaller than n_heads where queries share them."""
    head_dim: int
    """Width of one head."""
    context_length: int | None
    """Number of positions the model was trained for; None where the configuration does not say."""
    vocabulary_size: int
    """Number of token ids, which are 0 up to one less."""
    recorded_base_sha256: str | None = field(default=None, repr=False)
    """Hash of the weights without adapter, where it is on record, else None."""
    adapter_sha256: str | None = field(default=None, repr=False)
    """Hash of the adapter's files, or None without an adapter."""

    @property
    def position_scheme(self) -> str:
        """How positions enter, such as rotary or learned_absolute (see ``Architecture``)."""
        return self.architecture.position_scheme

    @property
    def bos_token_id(self) -> int | None:
        """The tokenizer's beginning-of-sequence token, or None."""
        return None if self.tokenizer is None else self.tokenizer.bos_token_id

    @property
    def decoder(self) -> nn.Module:
        """The model without its unembedding."""
        return self.module.get_submodule(self.architecture.decoder)

    @property
    def blocks(self) -> Any:
        """The list of blocks."""
        return self.decoder.get_submodule(self.architecture.blocks)

    @property
    def unembedding(self) -> nn.Module:
        """W_U as a module, d_model to vocabulary."""
        return self.module.get_submodule(self.architecture.unembedding)

    @property
    def device(self) -> torch.device:
        """The device that holds the weights."""
        return next(self.module.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """Data type in which the residual stream is computed."""
        embedding = self.decoder.get_submodule(self.architecture.embedding)
        return next(embedding.parameters()).dtype

    @property
    def dtype_name(self) -> str:
        """That data type by name, such as bfloat16."""
        return str(self.dtype).removeprefix("torch.")

    @property
    def attention_implementation(self) -> str:
        """How attention is computed, as transformers names it: eager, sdpa, flash_attention_2 …"""
        return str(getattr(self.module.config, "_attn_implementation", None) or "eager")

    @property
    def has_sliding_windows(self) -> bool:
        """Whether a layer sees only so many keys back, counted in places of the cache and not in
        tokens: padding between tokens then pushes tokens out of sight."""
        config: Any = self.module.config
        if getattr(config, "sliding_window", None) is None:
            return False
        if getattr(config, "use_sliding_window", True) is False:
            return False
        kinds = getattr(config, "layer_types", None)
        return kinds is None or "sliding_attention" in kinds

    def heads_at(self, kind: str) -> int:
        """Number of heads of a kind of site: key-value heads for k and v, else query heads."""
        return self.n_kv_heads if kind in ("k", "v") else self.n_heads

    def site_width(self, site: Site | str) -> int:
        """Width of the activations at a site, given as itself or by its name.

        Raises AssayError where the model lacks it.
        """
        site = Site.of(site)
        self.check_site(site)
        if site.kind not in HEAD_KINDS:
            return self.d_model
        return self.head_dim * (1 if site.head is not None else self.heads_at(site.kind))

    def check_site(self, site: Site | str) -> None:
        """Raise AssayError, with the valid layers or heads, where the model lacks the site."""
        site = Site.of(site)
        if site.kind not in KINDS:
            raise AssayError(f"unknown kind of site '{site.kind}'; valid: {', '.join(KINDS)}")
        if not 0 <= site.layer < self.n_layers:
            raise AssayError(
                f"site '{site}': {self.name} has layers 0 to {self.n_layers - 1}, not {site.layer}"
            )
        if site.head is None:
            return
        if site.kind not in HEAD_KINDS:
            raise AssayError(f"site '{site}': only {', '.join(HEAD_KINDS)} have heads")
        heads = self.heads_at(site.kind)
        if not 0 <= site.head < heads:
            raise AssayError(
                f"site '{site}': {self.name} has {site.kind} heads 0 to {heads - 1}, "
                f"not {site.head}"
            )

    @cached_property
    def base_sha256(self) -> str:
        """Hash of the weights' values without the adapter (see weight_hashes.weights_sha256)."""
        return self.recorded_base_sha256 or weights_sha256(self.module)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the weights' values and of the adapter: equal exactly for equal models.

        It does not depend on the name, nor on whether bf16 weights were loaded as float32. It is
        computed on first use and kept: a model that is trained further must be wrapped again.
        ``model_fingerprint`` finds the same hash without loading the model, where it can.
        """
        adapter = self.adapter_sha256 or adapter_in_place_sha256(self.module)
        return fingerprint_of(self.base_sha256, adapter)
