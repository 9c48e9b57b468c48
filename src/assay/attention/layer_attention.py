"""How one layer turns queries and keys into attention patterns: heads, scaling, rotation.

Queries and keys are taken before rotation, where they carry no position of their own: position enters
through the rotation alone, which depends on the distance between query and key.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from assay.errors import AssayError
from assay.models import LanguageModel

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

HALF_SPLIT = ("llama", "mistral", "qwen2", "qwen3", "gpt_neox")
"""Families whose rotation pairs dimension m with m + rotated / 2 of a head's first dimensions."""
UNROTATED = ("gpt2",)
"""Families whose queries and keys are used as they are."""


@dataclass(frozen=True, eq=False)
class AttentionLayer:
    """The attention of one layer of a model."""

    layer: int
    """Index of the layer."""
    n_heads: int
    """Query heads."""
    n_kv_heads: int
    """Key heads; each serves n_heads / n_kv_heads query heads, side by side."""
    head_dim: int
    """Width of a head."""
    scaling: float
    """What a query's product with a key is multiplied by."""
    frequencies: Float[Tensor, " pairs"]
    """Angle per position of each rotation pair, float32; empty where nothing is rotated."""
    rotation_scale: float
    """What rotated queries and keys are multiplied by each (1 but for YaRN)."""
    window: int | None
    """Keys that a query sees, its own included; None for all."""
    module: nn.Module = field(repr=False)
    """The attention module, whose input is the normed residual stream."""

    @property
    def rotated(self) -> int:
        """Dimensions of a head that are rotated: the first ones."""
        return 2 * len(self.frequencies)

    @property
    def key_head_of(self) -> list[int]:
        """For each query head the key head that serves it."""
        group = self.n_heads // self.n_kv_heads
        return [head // group for head in range(self.n_heads)]


def attention_layer(model: LanguageModel, layer: int) -> AttentionLayer:
    """The attention of a layer.

    Raises AssayError for a layer that the model lacks, for a family whose attention scores are not
    known to be scaled products of (rotated) queries and keys, and for rotations that change with the
    length of the text.
    """
    family = model.architecture.family
    model.check_site(f"q.{layer}")
    if family not in (*HALF_SPLIT, *UNROTATED):
        known = ", ".join((*HALF_SPLIT, *UNROTATED))
        raise AssayError(
            f"how {family} models turn queries and keys into attention is not known here; "
            f"known families: {known}"
        )
    config: Any = model.module.config
    if family == "gpt2" and config.scale_attn_by_inverse_layer_idx:
        raise AssayError(
            "this GPT-2 scales attention by the layer's index, which is not known here"
        )
    module: Any = model.blocks[layer].get_submodule(model.architecture.query.path.split(".")[0])
    frequencies, scale = torch.zeros(0), 1.0
    if family in HALF_SPLIT:
        frequencies, scale = _rotation(model)
    return AttentionLayer(
        layer=layer,
        n_heads=model.n_heads,
        n_kv_heads=model.n_kv_heads,
        head_dim=model.head_dim,
        scaling=float(module.scaling),
        frequencies=frequencies,
        rotation_scale=scale,
        window=_window(family, module, config),
        module=module,
    )


def rotate(
    x: Float[Tensor, "... heads position head_dim"], attention: AttentionLayer, first: int = 0
) -> Float[Tensor, "... heads position head_dim"]:
    """Queries or keys rotated by their positions, the first of which is ``first``."""
    if not attention.rotated:
        return x
    angles = torch.arange(first, first + x.shape[-2]).outer(attention.frequencies.cpu()).to(x)
    cos, sin = angles.cos() * attention.rotation_scale, angles.sin() * attention.rotation_scale
    half = attention.rotated // 2
    one, two, rest = x[..., :half], x[..., half : 2 * half], x[..., 2 * half :]
    return torch.cat([one * cos - two * sin, two * cos + one * sin, rest], dim=-1)


def _window(family: str, module: Any, config: Any) -> int | None:
    """The sliding window of a layer: Mistral's is the configuration's, Qwen's the module's."""
    found = (
        config.sliding_window if family == "mistral" else getattr(module, "sliding_window", None)
    )
    return None if found is None else int(found)


def _rotation(model: LanguageModel) -> tuple[Float[Tensor, " pairs"], float]:
    rotary: Any = model.decoder.get_submodule("rotary_emb")
    kind = getattr(rotary, "rope_type", "default")
    if kind in ("dynamic", "longrope"):
        raise AssayError(
            f"the rotation of {model.name} ({kind}) changes with the length of the text, so that a "
            "pair of features has no one kernel of distance"
        )
    frequencies = rotary.inv_freq.detach().float().cpu()
    return frequencies, float(getattr(rotary, "attention_scaling", 1.0))
