"""Run a batch once, then the layers above a site alone, for many edits of the activations there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from transformers import DynamicCache
from transformers.cache_utils import Cache

from assay.models.forward import decoder_inputs, run_decoder
from assay.models.language_model import LanguageModel
from assay.models.prefixes import PrefixLayer
from assay.models.sites import Site
from assay.models.streams import Stream, attach, stream_at

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int


@dataclass(frozen=True, eq=False)
class UpperLayers:
    """A batch that was run up to the top once; from a site on it can be run again, edited.

    Of each row only the tokens from its ``first`` one on are run again: what stands before the first
    edited token does not change, and its keys and values are kept.
    """

    activations: Float[Tensor, "rows position width"] = field(repr=False)
    """The site's activations in the model's dtype, each row from its own first token on, padded on the
    right."""
    is_token: Bool[Tensor, "rows position"] = field(repr=False)
    """False at padding."""
    _model: LanguageModel
    _site: Stream
    _from_layer: int
    _tokens: Int[Tensor, "rows position"] = field(repr=False)
    _positions: Int[Tensor, "rows position"] = field(repr=False)
    _below: Float[Tensor, "rows position d_model"] = field(repr=False)
    _keys: tuple[Tensor, ...] = field(repr=False)
    _values: tuple[Tensor, ...] = field(repr=False)
    _is_before: Bool[Tensor, "rows before"] = field(repr=False)
    _gives_tuple: bool

    def run(
        self, edited: Float[Tensor, "copies rows position width"]
    ) -> Float[Tensor, "copies rows position d_model"]:
        """The decoder's output, after its final norm, for several edited copies of the activations.

        What it gives at padded positions means nothing.
        """
        copies, rows = edited.shape[:2]
        mask = torch.cat([self._is_before, self.is_token], dim=1).long().repeat(copies, 1)
        inputs = decoder_inputs(
            self._model,
            self._tokens.repeat(copies, 1),
            self.is_token.long().repeat(copies, 1),
            self._positions.repeat(copies, 1),
        )
        pairs = zip(self._keys, self._values, strict=True)
        cache = Cache(layers=[_RowsLayer(keys, values) for keys, values in pairs])
        inputs |= {"attention_mask": mask, "past_key_values": cache, "use_cache": True}
        block = Stream(self._model.blocks[self._from_layer], True, None, None)
        below = self._below.repeat(copies, 1, 1)
        new = edited.flatten(0, 1)
        with ExitStack() as hooks:
            hooks.enter_context(_skipped(self._model, self._from_layer, self._gives_tuple))
            hooks.callback(attach(block, lambda _: below).remove)
            hooks.callback(attach(self._site, lambda raw: new.to(raw.dtype)).remove)
            hidden = run_decoder(self._model, inputs)
        return hidden.unflatten(0, (copies, rows))


def cache_lower_layers(
    model: LanguageModel,
    site: Site | str,
    tokens: Int[Tensor, "rows length"],
    attention_mask: Int[Tensor, "rows length"],
    first: Sequence[int],
) -> UpperLayers:
    """Run rows of tokens, padded on the right, and keep what their upper layers need.

    ``first`` is the first token of each row that may be edited at the site. Edits that are active now
    act on what is kept. Raises AssayError for a site or tokens that the model does not have.
    """
    site = Site.of(site)
    model.check_site(site)
    if site.kind == "resid_post" and site.layer + 1 < len(model.blocks):
        # The same activations; one block less is run again.
        site = Site.parse(f"resid_pre.{site.layer + 1}")
    layer = site.layer
    seen: dict[str, Any] = {}
    inputs = decoder_inputs(model, tokens, attention_mask)
    # A cache without the model's configuration keeps every position, also in sliding layers.
    cache = DynamicCache()
    stream = stream_at(model, site)
    with ExitStack() as hooks:
        block = Stream(model.blocks[layer], True, None, None)
        hooks.callback(attach(block, lambda raw: seen.update(below=raw.detach())).remove)
        hooks.callback(attach(stream, lambda raw: seen.update(site=raw.detach())).remove)
        hooks.callback(_note_kind(model.blocks[0], seen).remove)
        run_decoder(model, inputs | {"past_key_values": cache, "use_cache": True})
    lengths = attention_mask.sum(dim=1).to(model.device)
    start = torch.tensor(list(first), device=model.device)
    behind, is_token = _window(start, int((lengths - start).max()), lengths)
    # Aligned at the right, so that distances to the tokens that follow are the true ones.
    before = int(start.max())
    kept = torch.arange(before, device=model.device) - (before - start)[:, None]
    positions = inputs.get("position_ids")
    return UpperLayers(
        activations=_rows_at(seen["site"], behind),
        is_token=is_token,
        _model=model,
        _site=stream,
        _from_layer=layer,
        _tokens=inputs["input_ids"].gather(1, behind),
        _positions=behind if positions is None else positions.gather(1, behind),
        _below=_rows_at(seen["below"], behind),
        _keys=tuple(_rows_at(layer.keys, kept.clamp(min=0)) for layer in cache.layers),
        _values=tuple(_rows_at(layer.values, kept.clamp(min=0)) for layer in cache.layers),
        _is_before=kept >= 0,
        _gives_tuple=seen["gives_tuple"],
    )


class _RowsLayer(PrefixLayer):
    """One layer's keys and values of what stands before, of every row; copies share them."""

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Keys and values of what stands before and of the new tokens."""
        copies = (len(key_states) // len(self.keys), 1, 1, 1)
        keys = torch.cat([self.keys.repeat(copies), key_states], dim=-2)
        values = torch.cat([self.values.repeat(copies), value_states], dim=-2)
        return keys, values


def _window(start: Tensor, length: int, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Indices of ``length`` tokens of each row from ``start`` on, and which of them are tokens."""
    places = start[:, None] + torch.arange(length, device=start.device)
    is_token = places < lengths[:, None]
    return places.minimum(lengths[:, None] - 1), is_token


def _rows_at(values: Tensor, places: Tensor) -> Tensor:
    """Of [rows, (heads,) length, width] the places [rows, position] of each row."""
    index = places[:, None, :, None] if values.dim() == 4 else places[:, :, None]
    shape = (*values.shape[:-2], places.shape[1], values.shape[-1])
    return values.gather(-2, index.expand(shape))


def _note_kind(block: nn.Module, seen: dict[str, Any]) -> Any:
    """Note whether a block of this family returns a tuple or the stream alone."""

    def note(module: nn.Module, args: Any, output: Any) -> None:
        seen["gives_tuple"] = isinstance(output, tuple)

    return block.register_forward_hook(note)


@contextmanager
def _skipped(model: LanguageModel, layers: int, gives_tuple: bool) -> Iterator[None]:
    """Inside the block the first ``layers`` blocks hand on what they are given."""

    def handed_on(hidden_states: Tensor, *args: Any, **kwargs: Any) -> Any:
        return (hidden_states,) if gives_tuple else hidden_states

    blocks = [model.blocks[layer] for layer in range(layers)]
    for block in blocks:
        block.forward = handed_on
    try:
        yield
    finally:
        for block in blocks:
            del block.forward
