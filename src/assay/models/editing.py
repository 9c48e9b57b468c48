"""Change a model's activations while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from assay.errors import AssayError
from assay.models.sites import Site
from assay.models.streams import attach, stream_at

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from assay.models.language_model import LanguageModel

Edit = Callable[["Float[Tensor, 'batch position width']"], "Float[Tensor, 'batch position width']"]


@contextmanager
def edit(model: LanguageModel, site: Site, function: Edit) -> Iterator[None]:
    """Replace the activations at a site by ``function`` of them, inside the ``with`` block.

    The function is given [batch, position, width] in the model's dtype and returns the same
    shape; its result is cast back to that dtype. A site with a head gives and takes that head's
    slice alone. Several edits compose: a later one sees what an earlier one left. Gradients flow
    through. An edit holds for everything that runs the model (``capture``, ``generate``,
    ``token_cross_entropy``, the module itself) and ends with the block, also on an exception.
    While generating with a cache the function sees only the new positions; rows of prompts are
    padded on the left, reordered by length, and leave the batch when they end, so a function must
    not treat rows by their index.
    Raises AssayError for a site that the model lacks and, while running, for another shape.
    """

    def replaced(activations: Tensor) -> Tensor:
        new = function(activations)
        shape = getattr(new, "shape", None)
        if shape != activations.shape:
            found = type(new).__name__ if shape is None else str(tuple(shape))
            raise AssayError(
                f"the edit at {site} returned {found}; "
                f"it must return a tensor of shape {tuple(activations.shape)}"
            )
        return new.to(activations.dtype)

    handle = attach(stream_at(model, site), replaced)
    try:
        yield
    finally:
        handle.remove()
