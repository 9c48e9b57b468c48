"""Read excerpts with a model: the activations of their watched tokens at one site, in one loop."""

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
"""Tokens of a batch, padding included."""
FEWEST_SHARING = 4
"""Conversations that must share their beginning for it to be worth reading it once."""
MASSIVE = 10.0
"""Tokens whose norm exceeds the median watched token's by this factor are left out."""


def read_excerpts(
    model: LanguageModel, site: Site, excerpts: Sequence[Excerpt]
) -> tuple[Conversation, ...]:
    """Read excerpts, in their order: float32 on the CPU, massive tokens left out."""
    seen: dict[int, Tensor] = {}
    for i, activations in stream_watched(model, site, excerpts):
        seen[i] = activations.float().cpu().clone()
    usual = _usual_tokens([seen[i] for i in range(len(excerpts))])
    conversations = []
    for i, excerpt in enumerate(excerpts):
        watched = excerpt.watched
        places = tuple(watched[int(row)] for row in usual[i].nonzero()[:, 0])
        conversations.append(Conversation(excerpt, seen[i][usual[i]], places))
    return tuple(conversations)


def stream_watched(
    model: LanguageModel, site: Site, excerpts: Sequence[Excerpt], *, what: str | None = None
) -> Iterator[tuple[int, Float[Tensor, "tokens d_model"]]]:
    """Yield (index, activations of the watched tokens at the site) of each excerpt, once, in any order.

    In the model's dtype, on its device. A beginning that several share (the system message) is read
    once; excerpts of similar length run together, padded on the right and masked; the forward pass
    stops at the site. ``what`` names the progress bar; None draws none.
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
                found = capture(model, tokens, [site], attention_mask=mask, prefix=prefix)[site]
                for i, activations in zip(batch, found, strict=True):
                    watched = torch.tensor(excerpts[i].watched, device=activations.device)
                    yield i, activations[watched - skipped]
                advance(len(batch))


def pad_right(
    rows: Sequence[Sequence[int]],
) -> tuple[Int[Tensor, "batch position"], Int[Tensor, "batch position"]]:
    """(token ids padded on the right with 0, attention mask: 1 at tokens and 0 at padding)."""
    longest = max(map(len, rows))
    tokens = torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    return tokens, mask


def _batches(excerpts: Sequence[Excerpt], rows: list[int], skipped: int) -> Iterator[list[int]]:
    """Rows of similar length together, up to TOKENS_AT_ONCE tokens with padding."""
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
    """False at massive tokens, except where a conversation would have no token left."""
    if not activations:
        return []
    norms = [rows.norm(dim=1) for rows in activations]
    limit = MASSIVE * torch.cat(norms).median()
    found = []
    for size in norms:
        usual = size <= limit
        found.append(usual if bool(usual.any()) else torch.ones_like(usual))
    return found
