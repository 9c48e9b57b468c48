"""Ablation: remove the directions that a detector reads, and measure the payload's log-odds again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from assay.concerns.conversations.excerpts import Excerpt
from assay.concerns.conversations.reading import pad_right, read_excerpts
from assay.concerns.detectors.detector import Detector
from assay.concerns.detectors.dictionary_error import ErrorDetector
from assay.concerns.detectors.feature_sums import FeatureSum
from assay.concerns.detectors.linear import LinearDetector
from assay.concerns.detectors.rule import RuleDetector
from assay.errors import AssayError
from assay.models.cross_entropy import LOGITS_AT_ONCE, next_token_logits
from assay.models.upper_layers import UpperLayers, cache_lower_layers
from assay.randomness import torch_generator
from assay.statistics import t_interval

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int
    from torch import Tensor

    from assay.dictionaries import Dictionary
    from assay.models import LanguageModel, Site

PAYLOAD_TOKENS = 4
"""First tokens of the payload whose log-odds are measured."""
COPIES_AT_ONCE = 6
"""Edited copies of the conversations that run together."""
Positive = tuple[Excerpt, Sequence[int]]
"""An excerpt that is cut before its payload, with the payload's tokens."""
Basis = "Float[Tensor, 'k d_model']"


@dataclass(frozen=True)
class Effect:
    """The effect of ablating directions on the payload, compared with random directions."""

    effect: float
    """Mean change of the payload's log-odds, nats; negative where the payload becomes less likely."""
    effect_ci: tuple[float, float]
    """95 % interval of the mean over conversations (Student's t)."""
    random: tuple[float, ...]
    """The same for random directions that remove as much norm."""
    off_target: float
    """Mean change in cross-entropy, nats a token, of benign replies under the ablation."""
    off_target_upper: float
    """One-sided 95 % upper bound of that change (Student's t over conversations)."""
    n: int
    """Number of misbehaving conversations."""


def directions_of(detector: Detector, dictionary: Dictionary) -> Float[Tensor, "k d_model"] | None:
    """Orthonormal rows that span what a detector reads at the case's site.

    None for a detector of text and for one that reads further sites.
    """
    if detector.at_all_sites:
        return None
    if isinstance(detector, LinearDetector | ErrorDetector):
        rows = torch.tensor(detector.direction)[None].float()
    elif isinstance(detector, FeatureSum | RuleDetector):
        rows = dictionary.W_dec.detach()[list(detector.features)].float()
    else:
        return None
    return torch.linalg.qr(rows.T).Q.T.contiguous()


class AblationRun:
    """One organism's conversations, run once up to the site and ready to be ablated there.

    The payload's log-odds and the benign replies' cross-entropy are measured for any directions by
    running the layers above the site alone.
    """

    def __init__(
        self,
        model: LanguageModel,
        site: Site,
        positives: Sequence[Positive],
        benign: Sequence[Excerpt],
    ) -> None:
        """``benign`` are excerpts with their whole reply.

        Raises AssayError for fewer than two positives or benign excerpts.
        """
        if min(len(positives), len(benign)) < 2:
            raise AssayError(
                f"{len(positives)} conversations with a payload and {len(benign)} benign ones; an "
                "ablation needs at least two of each for its intervals"
            )
        self._model = model
        self._positives = positives
        payloads = [tuple(payload[:PAYLOAD_TOKENS]) for _, payload in positives]
        excerpts = [excerpt for excerpt, _ in positives]
        self._to_payload = _Batch.of(
            model,
            site,
            excerpts,
            [(*e.tokens, *payload) for e, payload in zip(excerpts, payloads, strict=True)],
            [len(e.tokens) for e in excerpts],
        )
        self._benign = _Batch.of(
            model, site, benign, [e.tokens for e in benign], [e.start + 1 for e in benign]
        )
        conversations = read_excerpts(model, [site], excerpts)
        self._watched = torch.cat([c.activations for c in conversations])
        self._odds = self._log_odds(None, (1.0,))[0]
        self._loss = self._benign.losses(model, None, (1.0,))[0]

    def removed_norm(self, basis: Float[Tensor, "k d_model"]) -> float:
        """Root mean square norm of what a projection takes from the watched tokens."""
        return float((self._watched @ basis.T).square().sum(dim=1).mean().sqrt())

    def effects(
        self, bases: Float[Tensor, "draws k d_model"], scales: Sequence[float]
    ) -> Float[Tensor, "draws conversations"]:
        """Change of each payload's log-odds, nats, where each basis is removed ``scale`` times."""
        return self._log_odds(bases, scales) - self._odds

    def damage(self, basis: Float[Tensor, "k d_model"]) -> Float[Tensor, " conversations"]:
        """Change of each benign reply's mean cross-entropy, nats a token, under the ablation."""
        return self._benign.losses(self._model, basis[None], (1.0,))[0] - self._loss

    def _log_odds(
        self, bases: Float[Tensor, "draws k d_model"] | None, scales: Sequence[float]
    ) -> Float[Tensor, "draws conversations"]:
        """log p − log(1 − p) of each payload's first tokens, teacher-forced."""
        chosen = self._to_payload.log_probabilities(self._model, bases, scales)
        total = chosen.sum(dim=2).clamp(max=-1e-6)
        return total - torch.log1p(-total.exp())


def ablate(
    run: AblationRun,
    bases: Mapping[str, Float[Tensor, "k d_model"]],
    *,
    draws: int,
    name: str,
    seed: int,
) -> dict[str, Effect]:
    """Project each cell's directions out of the watched tokens, and as many random ones.

    ``bases`` are the orthonormal directions of each cell, by any key. The random directions are
    shared: the first k of draw b are the same for every cell of the organism ``name``; they are
    scaled to remove the same norm as the cell's own.
    """
    widest = max(len(basis) for basis in bases.values())
    drawn = _random_bases(widest, next(iter(bases.values())).shape[1], draws, name, seed)
    found = {}
    for key, basis in bases.items():
        effects = run.effects(basis[None], (1.0,))[0].double().numpy()
        damage = run.damage(basis).double().numpy()
        random = drawn[:, : len(basis)]
        norm = run.removed_norm(basis)
        scales = [norm / max(run.removed_norm(other), 1e-6) for other in random]
        found[key] = Effect(
            effect=float(effects.mean()),
            effect_ci=t_interval(effects),
            random=tuple(float(x) for x in run.effects(random, scales).double().mean(dim=1)),
            off_target=float(damage.mean()),
            # The two-sided 90 % interval's upper end is the one-sided 95 % bound.
            off_target_upper=t_interval(damage, 0.9)[1],
            n=len(effects),
        )
    return found


def _random_bases(
    k: int, width: int, draws: int, name: str, seed: int
) -> Float[Tensor, "draws k d_model"]:
    """Orthonormal random directions; the first of a draw do not depend on how many there are."""
    found = []
    for draw in range(draws):
        generator = torch_generator(seed, f"concerns/ablation/{name}/{draw}")
        rows = torch.randn(k, width, generator=generator)
        found.append(torch.linalg.qr(rows.T).Q.T)
    return torch.stack(found)


@dataclass(frozen=True, eq=False)
class _Batch:
    """Rows of tokens that were run once, and the tokens whose probabilities are read off."""

    upper: UpperLayers
    """What runs again."""
    watched: Bool[Tensor, "rows position"]
    """The tokens from which directions are removed."""
    wanted: Int[Tensor, "rows targets"]
    """The tokens whose log-probabilities are measured, padded with 0."""
    places: Int[Tensor, "rows targets"]
    """Where each is predicted from."""
    is_target: Bool[Tensor, "rows targets"]
    """False at padding."""

    @classmethod
    def of(
        cls,
        model: LanguageModel,
        site: Site,
        excerpts: Sequence[Excerpt],
        rows: Sequence[tuple[int, ...]],
        first_targets: Sequence[int],
    ) -> _Batch:
        """Run rows that begin as the excerpts do; targets are their tokens from an index on."""
        first = [excerpt.watched[0] for excerpt in excerpts]
        tokens, mask = pad_right(rows)
        upper = cache_lower_layers(model, site, tokens, mask, first)
        watched = torch.zeros(upper.is_token.shape, dtype=torch.bool)
        for i, excerpt in enumerate(excerpts):
            watched[i, torch.tensor(excerpt.watched) - first[i]] = True
        targets = [row[at:] for row, at in zip(rows, first_targets, strict=True)]
        wanted, is_target = pad_right(targets)
        start = torch.tensor(first_targets) - 1 - torch.tensor(first)
        places = start[:, None] + torch.arange(wanted.shape[1])
        places = places.minimum(torch.tensor(upper.is_token.shape[1] - 1))
        return cls(upper, watched, wanted, places, is_target.bool())

    def log_probabilities(
        self,
        model: LanguageModel,
        bases: Float[Tensor, "draws k d_model"] | None,
        scales: Sequence[float],
    ) -> Float[Tensor, "draws rows targets"]:
        """Log-probability of each target, 0 at padding, where each basis is removed ``scale`` times.

        ``bases`` None: nothing is removed.
        """
        found = []
        for first in range(0, len(scales), COPIES_AT_ONCE):
            some = slice(first, first + COPIES_AT_ONCE)
            edited = self._edited(None if bases is None else bases[some], scales[some])
            hidden = self.upper.run(edited)
            at = self.places.to(hidden.device)[None, :, :, None]
            states = hidden.gather(2, at.expand(len(hidden), -1, -1, hidden.shape[-1]))
            found.append(self._chosen(model, states))
        return torch.cat(found) * self.is_target

    def losses(
        self,
        model: LanguageModel,
        bases: Float[Tensor, "draws k d_model"] | None,
        scales: Sequence[float],
    ) -> Float[Tensor, "draws rows"]:
        """Mean cross-entropy of each row's targets, nats a token."""
        chosen = self.log_probabilities(model, bases, scales)
        return -chosen.sum(dim=2) / self.is_target.sum(dim=1)

    def _edited(self, bases: Tensor | None, scales: Sequence[float]) -> Tensor:
        activations = self.upper.activations
        if bases is None:
            return activations[None]
        x = activations.float()
        basis = bases.to(x)
        part = torch.einsum("rpd,ckd->crpk", x, basis)
        scale = torch.tensor(scales).to(x)[:, None, None, None]
        removed = scale * torch.einsum("crpk,ckd->crpd", part, basis)
        return (x - removed * self.watched.to(x.device)[None, :, :, None]).to(activations.dtype)

    def _chosen(self, model: LanguageModel, states: Tensor) -> Tensor:
        """Log-probabilities [copies, rows, targets] from the states that predict the targets."""
        flat = states.flatten(0, 2)
        wanted = self.wanted.repeat(len(states), 1).flatten().to(flat.device)
        rows = max(1, LOGITS_AT_ONCE // model.vocabulary_size)
        parts = [
            next_token_logits(model, some).log_softmax(-1).gather(1, of[:, None])[:, 0]
            for some, of in zip(flat.split(rows), wanted.split(rows), strict=True)
        ]
        return torch.cat(parts).view(states.shape[:3]).cpu()
