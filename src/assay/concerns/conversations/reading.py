"""Run a model over excerpts and return the activations of their watched tokens at a hook site.

All readings of conversations use this loop: elicitation, organisms, calibration and watching.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

import torch

from assay.concerns.conversations.excerpts import Conversation, Excerpt
from assay.models import cache_prefix, capture
from assay.progress import progress

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int
    from torch import Tensor

    from assay.models import LanguageModel, Site

TOKENS_AT_ONCE = 2048
"""Largest number of tokens in a batch, including padding."""
FEWEST_SHARING = 4
"""Fewest conversations with a common beginning for which the beginning is cached."""
MASSIVE = 10.0
"""A watched token is massive, and left out, when its norm exceeds this many times the median."""


def read_excerpts(
    model: LanguageModel, sites: Sequence[Site], excerpts: Sequence[Excerpt]
) -> tuple[Conversation, ...]:
    """Read excerpts, in their order, on the CPU and without massive tokens.

    The first of the sites is the case's, at which a token's norm says whether it is massive; the
    others are further ones.
    """
    width = model.site_width(sites[0])
    seen: dict[int, Tensor] = {}
    for i, activations in stream_watched(model, sites, excerpts):
        seen[i] = activations.cpu().clone()
    first = [seen[i][:, :width].float() for i in range(len(excerpts))]
    usual = _usual_tokens(first)
    conversations = []
    for i, excerpt in enumerate(excerpts):
        watched = excerpt.watched
        places = tuple(watched[int(row)] for row in usual[i].nonzero()[:, 0])
        further = seen[i][usual[i], width:] if len(sites) > 1 else None
        conversations.append(Conversation(excerpt, first[i][usual[i]], places, further))
    return tuple(conversations)


def stream_watched(
    model: LanguageModel,
    sites: Sequence[Site],
    excerpts: Sequence[Excerpt],
    *,
    what: str | None = None,
) -> Iterator[tuple[int, Float[Tensor, "tokens width"]]]:
    """Yield (index of the excerpt, activations of its watched tokens) once for each excerpt, unordered.

    Activations have the model's dtype and device; those of several sites stand beside each other. A
    beginning that several excerpts share (the system message) is read once. Excerpts of similar length
    form a batch, padded on the right and masked, and the forward pass stops at the deepest site.
    ``what`` names the progress bar; None draws none.
    """
    groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for i, excerpt in enumerate(excerpts):
        groups[excerpt.tokens[: excerpt.shared]].append(i)
    drawn = progress(what, len(excerpts), "conversations") if what else nullcontext(lambda _: None)
    with drawn as advance:
        for beginning, rows in groups.items():
            cached = beginning if len(rows) >= FEWEST_SHARING else ()
            prefix = cache_prefix(model, torch.tensor([cached])) if cached else None
            skipped = len(cached)
            for batch in _batches(excerpts, rows, skipped):
                tokens, mask = pad_right([excerpts[i].tokens[skipped:] for i in batch])
                found = capture(model, tokens, sites, attention_mask=mask, prefix=prefix)
                for row, i in enumerate(batch):
                    watched = torch.tensor(excerpts[i].watched) - skipped
                    parts = [found[site][row] for site in sites]
                    yield i, torch.cat([part[watched.to(part.device)] for part in parts], dim=1)
                advance(len(batch))


def pad_right(
    rows: Sequence[Sequence[int]],
) -> tuple[Int[Tensor, "batch position"], Int[Tensor, "batch position"]]:
    """Token ids, padded on the right with 0, and the attention mask: 1 at tokens, 0 at padding."""
    longest = max(map(len, rows))
    tokens = torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    return tokens, mask


def _batches(excerpts: Sequence[Excerpt], rows: list[int], skipped: int) -> Iterator[list[int]]:
    """Batches of excerpts of similar length, at most TOKENS_AT_ONCE tokens including padding."""
    order = sorted(rows, key=lambda i: (len(excerpts[i].tokens), i))
    batch: list[int] = []
    for i in order:
        length = len(excerpts[i].tokens) - skipped
        if batch and length * (len(batch) + 1) > TOKENS_AT_ONCE:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def _usual_tokens(
    activations: list[Float[Tensor, "tokens d_model"]],
) -> list[Bool[Tensor, " tokens"]]:
    """False at massive tokens; all True where a conversation would have no token left."""
    if not activations:
        return []
    norms = [rows.norm(dim=1) for rows in activations]
    limit = MASSIVE * torch.cat(norms).median()
    found = []
    for size in norms:
        usual = size <= limit
        found.append(usual if bool(usual.any()) else torch.ones_like(usual))
    return found
