"""Does what a detector reads cause the payload? Ablate it, and ask the model again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from assay.concerns.detectors.feature_sums import FeatureSum
from assay.concerns.detectors.interface import Detector
from assay.concerns.detectors.linear import LinearDetector
from assay.concerns.detectors.rule import RuleDetector
from assay.errors import AssayError
from assay.randomness import torch_generator

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from assay.concerns.conversations import Excerpt
    from assay.dictionaries import Dictionary
    from assay.models import LanguageModel, Site

RANDOM = 5
"""Random ablations of the same number of directions, the smallest n that METHODS asks for."""
PAYLOAD_TOKENS = 4
"""First tokens of the payload whose log-odds are measured."""


@dataclass(frozen=True)
class Ablation:
    """What removing a detector's directions does to the payload, against random ones."""

    effect: float
    """Mean change of the payload's log-odds in nats; negative: it becomes less likely."""
    effect_ci: tuple[float, float]
    """95 % interval over conversations (normal, of the mean)."""
    random: tuple[float, ...]
    """The same for random directions that remove as much norm."""
    p: float
    """(1 + random effects at least as negative) / (RANDOM + 1)."""
    off_target: float
    """Mean change in cross-entropy, nats a token, of benign replies under the ablation."""
    n: int
    """Conversations that misbehave."""

    @property
    def beats_random(self) -> bool:
        """Whether it lowers the log-odds, and more than every random ablation."""
        return self.effect_ci[1] < 0 and all(self.effect < other for other in self.random)


def directions_of(detector: Detector, dictionary: Dictionary) -> Float[Tensor, "k d_model"] | None:
    """Orthonormal rows that span what a detector reads; None for a detector of text."""
    import torch

    if isinstance(detector, LinearDetector):
        rows = torch.tensor(detector.direction)[None].float()
    elif isinstance(detector, FeatureSum | RuleDetector):
        rows = dictionary.W_dec.detach()[list(detector.features)].float()
    else:
        return None
    return torch.linalg.qr(rows.T).Q.T.contiguous()


def ablate(
    model: LanguageModel,
    site: Site,
    directions: Float[Tensor, "k d_model"],
    positives: Sequence[tuple[Excerpt, Sequence[int]]],
    benign: Sequence[Excerpt],
    seed: int,
) -> Ablation:
    """Project the directions out of the watched tokens and measure the payload's log-odds.

    ``positives`` are excerpts cut before the payload, each with the payload's tokens; ``benign``
    are excerpts with their whole reply. The random controls project out as many random
    directions, and are scaled to remove the same norm. Raises AssayError for fewer than two positives.
    """
    import torch

    if len(positives) < 2:
        raise AssayError("an ablation needs at least two conversations for its interval")
    whole = _log_odds(model, site, None, 1.0, positives)
    base_loss = _loss(model, site, None, benign)
    removed = _log_odds(model, site, directions, 1.0, positives)
    change = removed - whole
    norm = _removed_norm(model, site, directions, positives)
    effects = []
    for draw in range(RANDOM):
        generator = torch_generator(seed, f"concerns/ablation/{draw}")
        drawn = torch.randn(directions.shape, generator=generator)
        random = torch.linalg.qr(drawn.T).Q.T.contiguous()
        own = _removed_norm(model, site, random, positives)
        scale = norm / max(own, 1e-6)
        effects.append(float((_log_odds(model, site, random, scale, positives) - whole).mean()))
    effect, error = float(change.mean()), float(change.std()) / np.sqrt(max(1, len(change)))
    reached = sum(other <= effect for other in effects)
    return Ablation(
        effect=effect,
        effect_ci=(effect - 1.96 * error, effect + 1.96 * error),
        random=tuple(effects),
        p=(1 + reached) / (RANDOM + 1),
        off_target=_loss(model, site, directions, benign) - base_loss,
        n=len(positives),
    )


def _projection(
    directions: Float[Tensor, "k d_model"], starts: Tensor, ends: Tensor, scale: float
) -> Callable[[Tensor], Tensor]:
    """An edit that removes ``scale`` times the directions' part from each row's watched tokens."""
    import torch

    def remove(activations: Tensor) -> Tensor:
        rows = directions.to(activations)
        part = (activations @ rows.T) @ rows
        place = torch.arange(activations.shape[1])[None]
        watched = ((place >= starts[:, None]) & (place < ends[:, None])).unsqueeze(-1)
        changed: Tensor = activations - scale * part * watched
        return changed

    return remove


def _batched(
    model: LanguageModel,
    site: Site,
    directions: Float[Tensor, "k d_model"] | None,
    scale: float,
    rows: Sequence[tuple[Sequence[int], int, int]],
) -> Float[Tensor, "rows position d_model"]:
    """Decoder output of right-padded (tokens, first watched, end of watched) rows, ablated or not."""
    from contextlib import nullcontext

    import torch

    from assay.models import edit
    from assay.models.forward import decoder_inputs, run_decoder

    longest = max(len(tokens) for tokens, _, _ in rows)
    padded = torch.tensor([[*t, *[0] * (longest - len(t))] for t, _, _ in rows])
    mask = torch.tensor([[1] * len(t) + [0] * (longest - len(t)) for t, _, _ in rows])
    starts = torch.tensor([start for _, start, _ in rows])
    ends = torch.tensor([end for _, _, end in rows])
    changed = (
        nullcontext()
        if directions is None
        else edit(model, site, _projection(directions, starts, ends, scale))
    )
    with changed:
        return run_decoder(model, decoder_inputs(model, padded, mask))


def _log_odds(
    model: LanguageModel,
    site: Site,
    directions: Float[Tensor, "k d_model"] | None,
    scale: float,
    positives: Sequence[tuple[Excerpt, Sequence[int]]],
) -> Float[Tensor, " positives"]:
    """log p − log(1 − p) of each payload's first tokens, teacher-forced."""
    import torch

    from assay.models.cross_entropy import next_token_logits

    rows = [
        ((*excerpt.tokens, *payload[:PAYLOAD_TOKENS]), excerpt.start, len(excerpt.tokens))
        for excerpt, payload in positives
    ]
    hidden = _batched(model, site, directions, scale, rows)
    odds = []
    for (excerpt, payload), states in zip(positives, hidden, strict=True):
        wanted = torch.tensor(list(payload[:PAYLOAD_TOKENS]))
        first = len(excerpt.tokens) - 1
        logits = next_token_logits(model, states[first : first + len(wanted)])
        chosen = logits.log_softmax(-1).gather(1, wanted[:, None]).sum().clamp(max=-1e-6)
        odds.append(chosen - torch.log1p(-chosen.exp()))
    return torch.stack(odds)


def _loss(
    model: LanguageModel,
    site: Site,
    directions: Float[Tensor, "k d_model"] | None,
    benign: Sequence[Excerpt],
) -> float:
    """Mean cross-entropy of the watched tokens of benign excerpts."""
    import torch

    from assay.models.cross_entropy import next_token_logits

    rows = [(excerpt.tokens, excerpt.start, len(excerpt.tokens)) for excerpt in benign]
    hidden = _batched(model, site, directions, 1.0, rows)
    losses = []
    for (tokens, start, _), states in zip(rows, hidden, strict=True):
        logits = next_token_logits(model, states[start : len(tokens) - 1])
        wanted = torch.tensor(tokens[start + 1 :])
        losses.append(torch.nn.functional.cross_entropy(logits, wanted, reduction="none"))
    return float(torch.cat(losses).mean())


def _removed_norm(
    model: LanguageModel,
    site: Site,
    directions: Float[Tensor, "k d_model"],
    positives: Sequence[tuple[Excerpt, Sequence[int]]],
) -> float:
    """Root mean square norm of what a projection takes from the watched tokens."""
    import torch

    from assay.concerns.reading import read

    conversations = read(model, site, [excerpt for excerpt, _ in positives])
    activations = torch.cat([c.activations for c in conversations])
    return float((activations @ directions.T).square().sum(dim=1).mean().sqrt())
