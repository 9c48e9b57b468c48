"""Read excerpts with a model: the activations of their watched tokens at one site."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from assay.concerns.conversations import Conversation, Excerpt

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from torch import Tensor

    from assay.models import LanguageModel, Prefix, Site

TOKENS_AT_ONCE = 2048
"""Tokens of a batch, padding included."""
FEWEST_SHARING = 4
"""Conversations that must share their beginning for it to be worth reading it once."""
MASSIVE = 10.0
"""Tokens whose norm exceeds the median watched token's by this factor are left out."""


def read(model: LanguageModel, site: Site, excerpts: Sequence[Excerpt]) -> tuple[Conversation, ...]:
    """The conversations of some excerpts, in their order. The pass stops at the site.

    A beginning that several share (the system message) is read once.
    """
    seen: dict[int, Tensor] = {}
    groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for i, excerpt in enumerate(excerpts):
        groups[excerpt.tokens[: excerpt.shared]].append(i)
    for beginning, rows in groups.items():
        if beginning and len(rows) >= FEWEST_SHARING:
            _read_group(model, site, excerpts, rows, beginning, seen)
        else:
            _read_group(model, site, excerpts, rows, (), seen)
    usual = _usual_tokens([seen[i] for i in range(len(excerpts))])
    conversations = []
    for i, excerpt in enumerate(excerpts):
        places = [excerpt.start + int(place) for place in usual[i].nonzero()[:, 0]]
        conversations.append(Conversation(excerpt, seen[i][usual[i]], tuple(places)))
    return tuple(conversations)


def _read_group(
    model: LanguageModel,
    site: Site,
    excerpts: Sequence[Excerpt],
    rows: list[int],
    beginning: tuple[int, ...],
    seen: dict[int, Tensor],
) -> None:
    import torch

    from assay.models import cache_prefix, capture

    prefix: Prefix | None = None
    if beginning:
        prefix = cache_prefix(model, torch.tensor([beginning]))
    skipped = len(beginning)
    for batch in _batches(excerpts, rows, skipped):
        parts = [excerpts[i].tokens[skipped:] for i in batch]
        longest = max(map(len, parts))
        tokens = torch.tensor([[*part, *[0] * (longest - len(part))] for part in parts])
        mask = torch.tensor([[1] * len(p) + [0] * (longest - len(p)) for p in parts])
        found = capture(model, tokens, [site], attention_mask=mask, prefix=prefix)[site]
        for i, activations, part in zip(batch, found, parts, strict=True):
            watched = slice(excerpts[i].start - skipped, len(part))
            seen[i] = activations[watched].float().cpu().clone()


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
    import torch

    if not activations:
        return []
    norms = [rows.norm(dim=1) for rows in activations]
    limit = MASSIVE * torch.cat(norms).median()
    found = []
    for size in norms:
        usual = size <= limit
        found.append(usual if bool(usual.any()) else torch.ones_like(usual))
    return found
