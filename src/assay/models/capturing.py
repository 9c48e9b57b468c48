"""Read a model's activations, running no further than the deepest site asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from assay.errors import AssayError
from assay.models.forward import run_decoder
from assay.models.prefixes import Prefix, inputs_after
from assay.models.sites import Site
from assay.models.streams import attach, stream_at
from assay.models.tokenizing import as_tokens

if TYPE_CHECKING:
    from jaxtyping import Float, Int

    from assay.models.language_model import LanguageModel


class NotCaptured(AssayError, KeyError):  # noqa: N818 - what is missing, said of the site
    """Raised for a site at which nothing was captured."""

    __str__ = Exception.__str__


class Captured(Mapping[Site, Tensor]):
    """Activations by site, indexed by a ``Site`` or by its name, and the tokens they belong to."""

    def __init__(
        self,
        activations: Mapping[Site, Float[Tensor, "batch position width"]],
        tokens: Int[Tensor, "batch position"],
        attention_mask: Int[Tensor, "batch position"],
    ) -> None:
        self._activations = dict(activations)
        self.tokens = tokens
        """int64 [batch, position]: the token at each position."""
        self.attention_mask = attention_mask
        """int64 [batch, position]: 1 at tokens; 0 at padding, where activations mean nothing."""

    def __getitem__(self, site: Site | str) -> Float[Tensor, "batch position width"]:
        where = Site.of(site)
        if where not in self._activations:
            known = ", ".join(map(str, self._activations))
            raise NotCaptured(f"nothing was captured at {where}; captured: {known}")
        return self._activations[where]

    def __iter__(self) -> Iterator[Site]:
        return iter(self._activations)

    def __len__(self) -> int:
        return len(self._activations)

    def __repr__(self) -> str:
        parts = (f"{site} {list(x.shape)} {x.dtype}" for site, x in self.items())
        return f"Captured({', '.join(parts)})"


class _AllSeen(Exception):  # noqa: N818 - a signal, not an error
    """Raised inside the forward pass once every site was seen; never leaves ``capture``."""


def capture(
    model: LanguageModel,
    tokens: Int[Tensor, "batch position"] | str | Sequence[str],
    sites: Site | str | Iterable[Site | str],
    *,
    attention_mask: Int[Tensor, "batch position"] | None = None,
    position_ids: Int[Tensor, "batch position"] | None = None,
    prefix: Prefix | None = None,
) -> Captured:
    """Activations [batch, position, width] at the sites, in the model's dtype, without gradients.

    ``tokens`` are int64 token ids, or a text or list of texts. Texts are tokenized by the model's
    tokenizer, begin with its beginning-of-sequence token (where it has one; none after a
    ``prefix``), and are padded on the right: what stands at padded positions means nothing. The
    result's ``tokens`` and ``attention_mask`` say which token stands where. ``sites`` are sites or
    their names, such as ``resid_post.15``; the result is indexed by either.

    The forward pass stops at the deepest site: later blocks and the unembedding are never run.
    q, k and v are before rotation; without a head all heads are concatenated; z is before W_O.
    Active edits act. ``attention_mask`` is 1 at tokens and 0 at padding, all ones by default;
    ``position_ids`` count from 0, or from where ``prefix`` ends. With a prefix the activations are
    those of the tokens alone. The same batch gives the same bytes.
    Raises AssayError for sites or tokens that the model does not have.
    """
    asked = [sites] if isinstance(sites, Site | str) else sites
    wanted = list(dict.fromkeys(Site.of(site) for site in asked))
    if not wanted:
        raise AssayError("capture needs at least one site, such as resid_post.0")
    streams = {site: stream_at(model, site) for site in wanted}
    ids, mask = as_tokens(model, tokens, attention_mask, continues=prefix is not None)
    inputs = inputs_after(model, prefix, ids, mask, position_ids=position_ids)
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
            in_order = {site: seen[site] for site in wanted}
            return Captured(in_order, ids, torch.ones_like(ids) if mask is None else mask)
    missing = ", ".join(str(site) for site in wanted if site not in seen)
    raise AssayError(
        f"{model.name} ran without passing {missing}: its row '{model.architecture.family}' of "
        "the table assay/models/architectures.py does not fit it"
    )
