"""Where a loaded model has a site: at which module, at its input or output, in which slice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from assay.models.architectures import Projection
from assay.models.language_model import LanguageModel
from assay.models.sites import Site

if TYPE_CHECKING:
    from jaxtyping import Float

Visit = Callable[[Tensor], Tensor | None]
"""Called with the activations at a site; returns what replaces them, or None to keep them."""


@dataclass(frozen=True)
class Stream:
    """The input or output tensor of a module, and the part of it that is the site."""

    module: nn.Module
    """The module at whose input or output the activations pass."""
    takes_input: bool
    """True: they are the module's first argument. False: its output, or the first of them."""
    by_head: Callable[[Tensor], Tensor] | None
    """A view [batch, position, heads, head_dim] of that tensor; None where the whole tensor is
    the site."""
    head: int | None
    """The one head that is the site, or None for all."""

    def read(self, raw: Tensor) -> Float[Tensor, "batch position width"]:
        """The site's activations, taken from the module's tensor."""
        if self.by_head is None:
            return raw
        heads = self.by_head(raw)
        return (heads.flatten(2) if self.head is None else heads[:, :, self.head]).contiguous()

    def replace(self, raw: Tensor, new: Float[Tensor, "batch position width"]) -> Tensor:
        """The module's tensor with the site's part replaced."""
        if self.by_head is None:
            return new
        whole = raw.clone()
        heads = self.by_head(whole)
        if self.head is None:
            heads.copy_(new.unflatten(2, heads.shape[2:]))
        else:
            heads[:, :, self.head] = new
        return whole


def stream_at(model: LanguageModel, site: Site | str) -> Stream:
    """Locate a site, given as itself or by name, in a model. Raises AssayError where it has none."""
    site = Site.of(site)
    model.check_site(site)
    architecture = model.architecture
    block = model.blocks[site.layer]
    if site.kind in ("resid_pre", "resid_post"):
        return Stream(block, site.kind == "resid_pre", None, None)
    if site.kind in ("attn_out", "mlp_out"):
        attention = site.kind == "attn_out"
        path = architecture.attention_output if attention else architecture.mlp_output
        return Stream(block.get_submodule(path), False, None, None)
    if site.kind == "z":
        shape = (model.n_heads, model.head_dim)
        module = block.get_submodule(architecture.output_projection)
        return Stream(module, True, lambda raw: raw.unflatten(-1, shape), site.head)
    projections = {"q": architecture.query, "k": architecture.key, "v": architecture.value}
    projection = projections[site.kind]
    module = block.get_submodule(projection.path)
    return Stream(module, False, lambda raw: by_head(raw, projection, model), site.head)


def by_head(
    raw: Tensor, projection: Projection, model: LanguageModel
) -> Float[Tensor, "batch position heads head_dim"]:
    """A view, head by head, of the queries, keys or values that a projection's output holds."""
    query_heads, kv_heads, width = model.n_heads, model.n_kv_heads, model.head_dim
    if projection.layout == "heads_first":
        return raw.transpose(1, 2)
    if projection.layout == "interleaved":
        return raw.unflatten(-1, (query_heads, 3, width))[..., projection.part, :]
    if projection.layout == "concatenated":
        raw = raw.split([query_heads * width, kv_heads * width, kv_heads * width], dim=-1)[
            projection.part
        ]
    return raw.unflatten(-1, (-1, width)) if raw.dim() == 3 else raw


def attach(stream: Stream, visit: Visit) -> RemovableHandle:
    """Call ``visit`` with the activations, which it may replace, whenever the module runs."""

    def seen(raw: Tensor) -> Tensor | None:
        new = visit(stream.read(raw))
        return None if new is None else stream.replace(raw, new)

    def before(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        new = seen(args[0] if args else kwargs["hidden_states"])
        if new is None:
            return None
        if args:
            return (new, *args[1:]), kwargs
        return args, {**kwargs, "hidden_states": new}

    def after(module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        if not isinstance(output, tuple):
            return seen(output)
        new = seen(output[0])
        return None if new is None else (new, *output[1:])

    if stream.takes_input:
        return stream.module.register_forward_pre_hook(before, with_kwargs=True)
    return stream.module.register_forward_hook(after)
