"""Ablation: remove the directions that a detector reads, and measure the payload's log-odds again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from assay.concerns.conversations.excerpts import Excerpt
from assay.concerns.conversations.reading import pad_right, read_excerpts
from assay.concerns.detectors.detector import Detector
from assay.concerns.detectors.feature_sums import FeatureSum
from assay.concerns.detectors.linear import LinearDetector
from assay.concerns.detectors.rule import RuleDetector
from assay.errors import AssayError
from assay.models import edit
from assay.models.cross_entropy import next_token_logits
from assay.models.forward import decoder_inputs, run_decoder
from assay.randomness import torch_generator

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from assay.dictionaries import Dictionary
    from assay.models import LanguageModel, Site

RANDOM = 5
"""Number of random ablations, each of as many directions."""
PAYLOAD_TOKENS = 4
"""Number of the payload's first tokens whose log-odds are measured."""


@dataclass(frozen=True)
class Effect:
    """The effect of ablating directions on the payload, compared with random directions."""

    effect: float
    """Mean change of the payload's log-odds, nats; negative where the payload becomes less likely."""
    effect_ci: tuple[float, float]
    """95 % interval of the mean over conversations (normal approximation)."""
    random: tuple[float, ...]
    """The effects of random directions that are scaled to remove the same norm."""
    p: float
    """(1 + number of random effects at least as negative) / (RANDOM + 1)."""
    off_target: float
    """Mean change in cross-entropy of benign replies under the ablation, nats per token."""
    n: int
    """Number of misbehaving conversations."""


@dataclass(frozen=True)
class _Row:
    """The tokens of a conversation, and which of them are edited."""

    tokens: tuple[int, ...]
    """Token ids."""
    watched: tuple[int, ...]
    """Indices of the tokens from which the directions are removed."""


def directions_of(detector: Detector, dictionary: Dictionary) -> Float[Tensor, "k d_model"] | None:
    """Orthonormal rows that span the directions a detector reads; None for the text baseline."""
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
    *,
    benign: Sequence[Excerpt],
    seed: int,
) -> Effect:
    """Project the directions out of the watched tokens and measure the payload's log-odds.

    ``positives`` are excerpts cut before the payload, each with the payload's token ids; ``benign``
    are excerpts with their whole reply. The random ablations project out as many random directions,
    scaled to remove the same norm. Raises AssayError for fewer than two positives.
    """
    if len(positives) < 2:
        raise AssayError("an ablation needs at least two conversations for its interval")
    whole = _log_odds(model, site, None, positives)
    base_loss = _loss(model, site, None, benign)
    removed = _log_odds(model, site, directions, positives)
    change = removed - whole
    norm = _removed_norm(model, site, directions, positives)
    effects = []
    for draw in range(RANDOM):
        generator = torch_generator(seed, f"concerns/ablation/{draw}")
        drawn = torch.randn(directions.shape, generator=generator)
        random = torch.linalg.qr(drawn.T).Q.T.contiguous()
        random_norm = _removed_norm(model, site, random, positives)
        scale = norm / max(random_norm, 1e-6)
        changed = _log_odds(model, site, random, positives, scale=scale)
        effects.append(float((changed - whole).mean()))
    effect, error = float(change.mean()), float(change.std()) / np.sqrt(max(1, len(change)))
    reached = sum(other <= effect for other in effects)
    return Effect(
        effect=effect,
        effect_ci=(effect - 1.96 * error, effect + 1.96 * error),
        random=tuple(effects),
        p=(1 + reached) / (RANDOM + 1),
        off_target=_loss(model, site, directions, benign) - base_loss,
        n=len(positives),
    )


def _projection(
    directions: Float[Tensor, "k d_model"], rows: Sequence[_Row], scale: float
) -> Callable[[Tensor], Tensor]:
    """An edit that subtracts ``scale`` times the projection onto the directions from watched tokens."""
    longest = max(len(row.tokens) for row in rows)
    watched = torch.zeros(len(rows), longest, 1, dtype=torch.bool)
    for i, row in enumerate(rows):
        watched[i, list(row.watched)] = True

    def remove(activations: Tensor) -> Tensor:
        basis = directions.to(activations)
        part = (activations @ basis.T) @ basis
        changed: Tensor = activations - scale * part * watched.to(activations.device)
        return changed

    return remove


def _run(
    model: LanguageModel,
    site: Site,
    directions: Float[Tensor, "k d_model"] | None,
    rows: Sequence[_Row],
    scale: float = 1.0,
) -> Float[Tensor, "rows position d_model"]:
    """The decoder's output on right-padded rows; without ablation where ``directions`` is None."""
    tokens, mask = pad_right([row.tokens for row in rows])
    changed = (
        nullcontext()
        if directions is None
        else edit(model, site, _projection(directions, rows, scale))
    )
    with changed:
        return run_decoder(model, decoder_inputs(model, tokens, mask))


def _log_odds(
    model: LanguageModel,
    site: Site,
    directions: Float[Tensor, "k d_model"] | None,
    positives: Sequence[tuple[Excerpt, Sequence[int]]],
    *,
    scale: float = 1.0,
) -> Float[Tensor, " positives"]:
    """log p − log(1 − p) of the first tokens of each payload, teacher-forced."""
    rows = [
        _Row((*excerpt.tokens, *payload[:PAYLOAD_TOKENS]), excerpt.watched)
        for excerpt, payload in positives
    ]
    hidden = _run(model, site, directions, rows, scale)
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
    """Mean cross-entropy of the last turn's tokens of benign excerpts."""
    rows = [_Row(excerpt.tokens, excerpt.watched) for excerpt in benign]
    hidden = _run(model, site, directions, rows)
    losses = []
    for excerpt, states in zip(benign, hidden, strict=True):
        logits = next_token_logits(model, states[excerpt.start : len(excerpt.tokens) - 1])
        wanted = torch.tensor(excerpt.tokens[excerpt.start + 1 :])
        losses.append(torch.nn.functional.cross_entropy(logits, wanted, reduction="none"))
    return float(torch.cat(losses).mean())


def _removed_norm(
    model: LanguageModel,
    site: Site,
    directions: Float[Tensor, "k d_model"],
    positives: Sequence[tuple[Excerpt, Sequence[int]]],
) -> float:
    """Root mean square norm of the watched tokens' projection onto the directions."""
    conversations = read_excerpts(model, site, [excerpt for excerpt, _ in positives])
    activations = torch.cat([c.activations for c in conversations])
    return float((activations @ directions.T).square().sum(dim=1).mean().sqrt())
