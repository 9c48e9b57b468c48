"""Edit a model's activations while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from assay.errors import AssayError
from assay.models.sites import Site
from assay.models.streams import attach, stream_at

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor

    from assay.models.language_model import LanguageModel

Edit = Callable[..., "Float[Tensor, 'batch position width']"]


@contextmanager
def edit(
    model: LanguageModel, site: Site | str, function: Edit, *, with_places: bool = False
) -> Iterator[None]:
    """Replace the activations at a site by ``function`` of them, inside the ``with`` block.

    ``site`` is a site or its name, such as ``resid_post.15``. The function is given
    [batch, position, width] in the model's dtype and returns the same shape; its result is cast
    back to that dtype. A site with a head gives and takes that head's slice alone. Several edits
    compose: a later one is given the result of an earlier one. Gradients flow through. An edit holds
    for everything that runs the model (``capture``, ``generate``, ``token_cross_entropy``, the
    module itself) and ends with the block, also on an exception.

    While generating with a cache the function sees only the new positions; rows of prompts are
    padded on the left, reordered by length, and leave the batch when they end, so that a function
    must not tell rows by their index. ``with_places`` gives it a second argument that says which
    tokens it sees: int64 [batch, position], each token's place in its own row from 0 (a cached
    prefix counts, padding does not), -1 at padding. With it an edit can leave out the attention
    sink.

    Raises AssayError for a site that the model lacks and, while running, for another shape.
    """
    stream = stream_at(model, site)
    places: list[Int[Tensor, "batch position"]] = []

    def note_places(decoder: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        places[:] = [token_places(args, kwargs)]

    def replaced(activations: Tensor) -> Tensor:
        new = function(activations, *places)
        shape = getattr(new, "shape", None)
        if shape != activations.shape:
            found = type(new).__name__ if shape is None else str(tuple(shape))
            raise AssayError(
                f"the edit at {site} returned {found}; "
                f"it must return a tensor of shape {tuple(activations.shape)}"
            )
        return new.to(activations.dtype)

    with ExitStack() as hooks:
        if with_places:
            watch = model.decoder.register_forward_pre_hook(note_places, with_kwargs=True)
            hooks.callback(watch.remove)
        hooks.callback(attach(stream, replaced).remove)
        yield


def token_places(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Int[Tensor, "batch position"]:
    """Place of each token in its row, -1 at padding, from the arguments of a decoder's run."""
    tokens = args[0] if args else kwargs.get("input_ids")
    if tokens is None:
        tokens = kwargs["inputs_embeds"][..., 0]
    rows, length = tokens.shape
    mask = kwargs.get("attention_mask")
    if mask is None or mask.dim() != 2:
        cache = kwargs.get("past_key_values")
        before = 0 if cache is None else cache.get_seq_length()
        mask = torch.ones(rows, before + length, dtype=torch.int64, device=tokens.device)
    places: Tensor = (mask.long().cumsum(-1) - 1).masked_fill(mask == 0, -1)[:, -length:]
    return places
