"""Train a query–key dictionary: first to reconstruct queries and keys, then the attention patterns.

After Wynroe & Sharkey 2024 ("Decomposing the QK circuit with bilinear sparse dictionary learning"),
with the sink-free part of the loss that METHODS 4 found to be needed: a head that mostly looks at the
first token is else explained by that alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from assay.attention.attention_patterns import log_patterns, pattern_kl
from assay.attention.attention_reading import AttentionSample
from assay.attention.layer_attention import AttentionLayer
from assay.attention.qk_dictionary import QKDictionary
from assay.attention.qk_settings import QKSettings
from assay.errors import AssayError
from assay.progress import progress
from assay.randomness import seed_for

if TYPE_CHECKING:
    from torch import Tensor

BOTH = 3.0
"""Weight of the divergence with both sides reconstructed; with one side alone it is 1."""
BETAS = (0.9, 0.99)
WARM_UP = 50
FALLING = 0.3
"""Share of the steps over which the learning rate falls to 0."""
LARGEST_GRADIENT = 1.0
START_ROWS = 16_384
"""Tokens from which the start is computed."""
Loss = Callable[[QKDictionary, AttentionSample], "Tensor"]


def train_qk(
    attention: AttentionLayer, sample: AttentionSample, settings: QKSettings, seed: int
) -> tuple[QKDictionary, QKDictionary]:
    """(the dictionary of attention patterns, the baseline of reconstruction alone).

    Both have the same width, k and number of steps: the baseline spends all of them on the mean squared
    error, the other the last ``settings.steps`` on the patterns. The same inputs give the same bytes on
    a CPU. Raises AssayError for fewer crops than a step takes.
    """
    if len(sample) < settings.crops:
        raise AssayError(
            f"{len(sample)} crops to learn from; a step takes {settings.crops}: read more tokens"
        )
    squared = _squared_error(sample)
    baseline = started(attention, sample, settings, seed)
    every = settings.warm_steps + settings.steps
    _optimise(baseline, sample, squared, every, settings, seed=seed, what="queries and keys alone")
    learned = started(attention, sample, settings, seed)
    warm = settings.warm_steps
    _optimise(learned, sample, squared, warm, settings, seed=seed, what="start of the patterns")

    def of_patterns(dictionary: QKDictionary, some: AttentionSample) -> Tensor:
        return pattern_loss(attention, dictionary, some)

    _optimise(
        learned,
        sample,
        of_patterns,
        settings.steps,
        settings,
        seed=seed + 1,
        what="attention patterns",
    )
    return learned, baseline


def started(
    attention: AttentionLayer, sample: AttentionSample, settings: QKSettings, seed: int
) -> QKDictionary:
    """The dictionary before its first step."""
    x, q, k = (part.flatten(0, 1) for part in (sample.x, sample.q, sample.k))
    sizes = x.shape[1], q.shape[1], k.shape[1]
    dictionary = QKDictionary.empty(attention.layer, sizes, settings.width, settings.k)
    for side, target in ((dictionary.query, q), (dictionary.key, k)):
        name = "query" if side is dictionary.query else "key"
        generator = torch.Generator().manual_seed(seed_for(seed, f"attention/start/{name}"))
        some = torch.randperm(len(x), generator=generator)[:START_ROWS]
        side.start_from(x[some], target[some], generator)
    return dictionary


def pattern_loss(
    attention: AttentionLayer, dictionary: QKDictionary, sample: AttentionSample
) -> Tensor:
    """3 KL(A ‖ Â(q̂, k̂)) + KL(A ‖ Â(q, k̂)) + KL(A ‖ Â(q̂, k)), and the same without the first key."""
    q, k = dictionary.query(sample.x), dictionary.key(sample.x)
    true = log_patterns(attention, sample.q, sample.k)
    loss = torch.zeros(())
    for weight, queries, keys in ((BOTH, q, k), (1.0, sample.q, k), (1.0, q, sample.k)):
        other = log_patterns(attention, queries, keys)
        for without_first in (False, True):
            loss = loss + weight * pattern_kl(true, other, without_first=without_first).mean()
    return loss


def _squared_error(sample: AttentionSample) -> Loss:
    """Mean squared error of queries and keys, each as a share of its variance."""
    variances = [float(t.flatten(0, 1).var(dim=0).mean()) for t in (sample.q, sample.k)]

    def loss(dictionary: QKDictionary, some: AttentionSample) -> Tensor:
        of_queries = (dictionary.query(some.x) - some.q).square().mean() / variances[0]
        return of_queries + (dictionary.key(some.x) - some.k).square().mean() / variances[1]

    return loss


def _optimise(
    dictionary: QKDictionary,
    sample: AttentionSample,
    loss_of: Loss,
    steps: int,
    settings: QKSettings,
    *,
    seed: int,
    what: str,
) -> None:
    parameters = dictionary.parameters()
    optimiser = torch.optim.Adam(parameters, settings.learning_rate, betas=BETAS)
    generator = torch.Generator().manual_seed(seed_for(seed, "attention/batches"))
    with progress(what, steps, "steps") as advance:
        for step in range(steps):
            rate = min((step + 1) / WARM_UP, (steps - step) / max(1.0, FALLING * steps), 1.0)
            for group in optimiser.param_groups:
                group["lr"] = settings.learning_rate * rate
            chosen = torch.randperm(len(sample), generator=generator)[: settings.crops]
            optimiser.zero_grad()
            loss = loss_of(dictionary, sample.rows(chosen))
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, LARGEST_GRADIENT)
            optimiser.step()
            advance(1)
