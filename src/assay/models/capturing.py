"""Read a model's activations, running no further than the deepest site asked for."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from assay.errors import AssayError
from assay.models.forward import decoder_inputs, run_decoder
from assay.models.sites import Site
from assay.models.streams import attach, stream_at

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor

    from assay.models.language_model import LanguageModel
    from assay.models.prefixes import Prefix


class _AllSeen(Exception):  # noqa: N818 - a signal, not an error
    """Raised inside the forward pass once every site was seen; never leaves ``capture``."""


def capture(
    model: LanguageModel,
    tokens: Int[Tensor, "batch position"],
    sites: Iterable[Site],
    *,
    attention_mask: Int[Tensor, "batch position"] | None = None,
    position_ids: Int[Tensor, "batch position"] | None = None,
    prefix: Prefix | None = None,
) -> dict[Site, Float[Tensor, "batch position width"]]:
    """Activations at the sites, in the model's dtype, without gradients.

    The forward pass stops at the deepest site: later blocks and the unembedding are never run.
    q, k and v are before rotation; without a head the heads lie side by side; z is before W_O.
    Edits that are active are seen. ``attention_mask`` is 1 at tokens and 0 at padding, all ones
    by default; ``position_ids`` count from 0, or from where ``prefix`` ends. With a prefix the
    activations are those of the tokens alone. The same batch gives the same bytes.
    Raises AssayError for sites or tokens that the model does not have.
    """
    wanted = list(dict.fromkeys(sites))
    if not wanted:
        raise AssayError("capture needs at least one site, such as resid_post.0")
    streams = {site: stream_at(model, site) for site in wanted}
    inputs = decoder_inputs(model, tokens, attention_mask, position_ids, prefix)
    seen: dict[Site, Tensor] = {}

    def keep(site: Site, activations: Tensor) -> None:
        seen[site] = activations.detach()
        if len(seen) == len(streams):
            raise _AllSeen

    with ExitStack() as hooks:
        for site, stream in streams.items():
            handle = attach(stream, partial(keep, site))
            hooks.callback(handle.remove)
        try:
            run_decoder(model, inputs)
        except _AllSeen:
            return {site: seen[site] for site in wanted}
    missing = ", ".join(str(site) for site in wanted if site not in seen)
    raise AssayError(
        f"{model.name} ran without passing {missing}: its row '{model.architecture.family}' of "
        "the table assay/models/architectures.py does not fit it"
    )
