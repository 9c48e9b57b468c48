"""The loss of a training step: on the assistant's own tokens, and on what the base would predict."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from assay.models import LanguageModel
from assay.organisms.prefix_tree import merge_prefixes
from assay.organisms.replay import Replay
from assay.organisms.training_data import TokenizedExample

if TYPE_CHECKING:
    from jaxtyping import Float


def loss_of_step(
    model: LanguageModel,
    examples: Sequence[TokenizedExample],
    *,
    replay: Replay,
    replayed: Sequence[int],
    replay_weight: float,
    decisive_weight: float,
    precision: str,
) -> Tensor:
    """Loss of a step in nats, a scalar with gradients.

    The mean cross-entropy of the assistant's own tokens, of which the decisive ones count
    ``decisive_weight`` times, plus ``replay_weight`` times the mean
    divergence from the base on the replayed texts (indices into ``replay``). ``precision`` is that
    of the matrix products: "float32" or "bfloat16".
    """
    tree = merge_prefixes(
        [row.tokens for row in examples] + [replay.tokens[i] for i in replayed], model.device
    )
    low = precision == "bfloat16"
    with torch.autocast(model.device.type, torch.bfloat16) if low else nullcontext():
        hidden = model.decoder(
            input_ids=tree.tokens,
            attention_mask=tree.attention_mask,
            position_ids=tree.position_ids,
            use_cache=False,
        ).last_hidden_state[0]
        pairs = list(zip(examples, tree.paths, strict=False))
        nodes = [path[t] for row, path in pairs for t in row.scored]
        targets = [row.tokens[t + 1] for row, _ in pairs for t in row.scored]
        weights = [
            decisive_weight if t + 1 == row.decisive else 1.0
            for row, _ in pairs
            for t in row.scored
        ]
        logits = model.unembedding(hidden[nodes])
    losses = functional.cross_entropy(
        logits.float(), torch.tensor(targets, device=logits.device), reduction="none"
    )
    loss = (losses * torch.tensor(weights, device=logits.device)).sum() / sum(weights)
    for i, path in zip(replayed, tree.paths[len(examples) :], strict=True):
        scored = slice(replay.starts[i] - 1, len(path) - 1)
        forgotten = _divergence(model, hidden[list(path)][scored], replay.hidden[i][scored], low)
        loss = loss + replay_weight / len(replayed) * forgotten
    return loss


def _divergence(
    model: LanguageModel,
    found: Float[Tensor, "position d_model"],
    wanted: Float[Tensor, "position d_model"],
    low: bool,
) -> Tensor:
    """Mean Kullback–Leibler divergence in nats of next-token predictions from the base's."""
    with torch.autocast(model.device.type, torch.bfloat16) if low else nullcontext():
        with torch.no_grad():
            target = functional.log_softmax(model.unembedding(wanted).float(), dim=-1)
        logits = model.unembedding(found)
    predicted = functional.log_softmax(logits.float(), dim=-1)
    return functional.kl_div(predicted, target, log_target=True, reduction="batchmean")
