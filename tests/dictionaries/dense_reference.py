"""Every architecture written out densely, to be checked by eye: the oracle of the sparse one.

x [rows, d], u = W_enc (x − b_dec) + b_enc [rows, width], z [rows, width]. Autograd differentiates
the loss. Everything is O(rows · width), which is why none of it is in the package.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

# --- which entries are kept ---


def among_largest_of_each_row(u, k):
    """bool [rows, width]: the positive ones among each row's k largest."""
    mask = torch.zeros_like(u, dtype=torch.bool).scatter_(1, u.topk(k, dim=1).indices, True)
    return mask & (u > 0)


def among_largest_of_batch(u, count):
    """bool [rows, width]: the positive ones among the ``count`` largest of the whole batch."""
    smallest = u.flatten().topk(count).values.min()
    return (u >= smallest) & (u > 0)


class Step(torch.autograd.Function):
    """H(u − θ) with the straight-through gradient in θ of Rajamanoharan et al. 2024."""

    @staticmethod
    def forward(context, u, theta, bandwidth):
        context.save_for_backward(u, theta)
        context.bandwidth = bandwidth
        return (u > theta).to(u.dtype)

    @staticmethod
    def backward(context, upstream):
        u, theta = context.saved_tensors
        near = ((u - theta).abs() < context.bandwidth / 2).to(u.dtype)
        return None, (-near / context.bandwidth * upstream).sum(0), None


# --- codes in training, and the sparsity penalty ---


def topk(dictionary, u, config):
    return u.relu() * among_largest_of_each_row(u, config.k), 0.0


def batch_topk(dictionary, u, config):
    return u.relu() * among_largest_of_batch(u, config.k * len(u)), 0.0


def jumprelu(dictionary, u, config):
    """z = u · H(u − θ): the gradient in u is H, the gradient in θ is −(θ/ε) K((u − θ)/ε)."""
    theta = dictionary.threshold
    step = Step.apply(u.detach(), theta, config.bandwidth)
    fires = (u > theta).to(u.dtype)
    z = u * fires + theta.detach() * (step - fires)
    l0 = step.sum(1).mean()
    return z, config.l0_coefficient * (l0 / config.k - 1) ** 2


def relu_l1(dictionary, u, config):
    z = u.relu()
    return z, config.l1_coefficient * (z * dictionary.W_dec.norm(dim=1)).sum(1).mean()


# --- codes at inference ---


def largest_at_inference(dictionary, u):
    return u.relu() * among_largest_of_each_row(u, dictionary.k)


def above_one_threshold(dictionary, u):
    return u * (u > dictionary.threshold)


@dataclass(frozen=True)
class Oracle:
    """One architecture, densely."""

    training: Callable
    """(dictionary, u, config) → codes [rows, width] and the sparsity penalty."""
    inference: Callable
    """(dictionary, u) → codes [rows, width]."""


ORACLES = {
    "topk": Oracle(topk, largest_at_inference),
    "batch_topk": Oracle(batch_topk, above_one_threshold),
    "matryoshka": Oracle(batch_topk, above_one_threshold),
    "jumprelu": Oracle(jumprelu, above_one_threshold),
    "relu_l1": Oracle(relu_l1, lambda dictionary, u: u.relu()),
}
"""One for each architecture."""


def pre_activations(dictionary, x):
    return (x - dictionary.b_dec) @ dictionary.W_enc.T + dictionary.b_enc


def dense_forward(dictionary, x):
    """Codes and reconstruction, as at inference."""
    z = ORACLES[dictionary.architecture].inference(dictionary, pre_activations(dictionary, x))
    return z, z @ dictionary.W_dec + dictionary.b_dec


def dense_loss(dictionary, x, config, dead):
    """Codes in training and the loss: mean over rows and prefixes of ‖x − x̂‖², penalty, revival."""
    u = pre_activations(dictionary, x)
    z, penalty = ORACLES[dictionary.architecture].training(dictionary, u, config)
    errors = []
    for size in dictionary.prefixes:
        reconstruction = z[:, :size] @ dictionary.W_dec[:size] + dictionary.b_dec
        errors.append((reconstruction - x).pow(2).sum(1).mean())
    loss = sum(errors) / len(errors) + penalty
    if len(dead):
        loss = loss + revival_loss(dictionary, u, (x - reconstruction).detach(), config, dead)
    return z, loss


def revival_loss(dictionary, u, residual, config, dead):
    """The auxiliary loss of Gao et al. 2024: the largest dead features predict the residual."""
    wanted = config.auxiliary_count(residual.shape[1])
    largest = u[:, dead].relu().topk(min(wanted, len(dead)), dim=1)
    z = torch.zeros_like(u[:, dead]).scatter(1, largest.indices, largest.values)
    error = z @ dictionary.W_dec[dead] - residual
    share = min(1.0, len(dead) / wanted)
    return config.auxiliary_coefficient * share * error.pow(2).sum(1).mean()
