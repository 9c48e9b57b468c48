"""The hand-written backward pass against naive autograd, on every parameter."""

import copy

import pytest
import torch
from assay.dictionaries.architectures import ARCHITECTURES

from assay.dictionaries.selector import SelectionRecord, Selector, Workspace
from assay.dictionaries.sparse_step import step_gradients
from assay.dictionaries.state import new_dictionary
from assay.dictionaries.training_config import TrainingConfig
from assay.dictionaries.training_loop import selection_dtype

ROWS, D_IN, WIDTH, K = 96, 12, 48, 4


class Rectangle(torch.autograd.Function):
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


def jump_value(u, theta, bandwidth):
    """u · H(u − θ): the gradient in u is H, the gradient in θ is −(θ/ε) K."""
    fires = Rectangle.apply(u.detach(), theta, bandwidth)
    hard = (u > theta).to(u.dtype)
    return u * hard + theta.detach() * (fires - hard)


def naive_loss(dictionary, x, mask, config, dead):
    """Dense and plain: what the sparse step must agree with."""
    centred = x - dictionary.b_dec
    u = centred @ dictionary.W_enc.T + dictionary.b_enc
    penalty = 0.0
    if dictionary.architecture == "jumprelu":
        z = jump_value(u, dictionary.threshold, config.bandwidth)
        count = Rectangle.apply(u.detach(), dictionary.threshold, config.bandwidth).sum(1).mean()
        penalty = config.l0_coefficient * (count / config.k - 1) ** 2
    else:
        z = torch.relu(u) * mask
    if dictionary.architecture == "relu_l1":
        penalty = config.l1_coefficient * (z * dictionary.W_dec.norm(dim=1)).sum(1).mean()
    losses = []
    for size in dictionary.prefixes:
        reconstruction = z[:, :size] @ dictionary.W_dec[:size] + dictionary.b_dec
        losses.append((reconstruction - x).pow(2).sum(1).mean())
    auxiliary = 0.0
    if len(dead):
        residual = (x - reconstruction).detach()
        wanted = config.auxiliary_count(x.shape[1])
        share = min(1.0, len(dead) / wanted)
        largest = torch.relu(u[:, dead]).topk(min(wanted, len(dead)), dim=1)
        revived = torch.zeros_like(u[:, dead]).scatter(1, largest.indices, largest.values)
        error = revived @ dictionary.W_dec[dead] - residual
        auxiliary = config.auxiliary_coefficient * share * error.pow(2).sum(1).mean()
    return sum(losses) / len(losses) + penalty + auxiliary


def make_case(architecture, seed=0, **settings):
    torch.manual_seed(seed)
    config = TrainingConfig(
        width=WIDTH, k=K, architecture=architecture, bandwidth=0.2, l1_coefficient=0.3, **settings
    )
    dictionary = new_dictionary(D_IN, config)
    for name, parameter in dictionary.named_parameters():
        parameter.data.normal_()
        if name == "threshold":
            parameter.data.abs_().add_(1.5)
        elif name == "W_dec" and dictionary.unit_decoder:
            parameter.data.div_(parameter.data.norm(dim=1, keepdim=True))
    return config, dictionary, torch.randn(ROWS, D_IN) + 0.5


def both_gradients(architecture, dead=(), seed=0, **settings):
    """The sparse step in float32, and autograd in float64 given the same selected set."""
    config, dictionary, x = make_case(architecture, seed, **settings)
    dead = torch.tensor(dead, dtype=torch.int64)
    centred = (x - dictionary.b_dec).detach()
    record = SelectionRecord(config.selection_margin)
    dtype = selection_dtype(config.selection_dtype, centred.device)
    selector = Selector(dictionary, centred, Workspace(), dtype, record)
    with torch.no_grad():
        entries = dictionary.training_entries(selector, config)
        result = step_gradients(dictionary, centred, entries, config, dead)
    mask = torch.zeros(ROWS, WIDTH, dtype=torch.float64)
    mask[entries.rows, entries.features] = 1
    double = copy.deepcopy(dictionary).double()
    loss = naive_loss(double, x.double(), mask, config, dead)
    loss.backward()
    return (
        result,
        {name: value.grad for name, value in double.named_parameters()},
        float(loss.detach()),
    )


def relative_difference(one, other):
    return float(((one.double() - other).norm() / other.norm()).detach())


@pytest.mark.parametrize("selected_in", ["float32", "bfloat16"])
@pytest.mark.parametrize("dead", [(), tuple(range(5)), tuple(range(20, 40))])
@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_sparse_gradients_equal_naive_autograd(architecture, dead, selected_in):
    result, naive, loss = both_gradients(architecture, dead, selection_dtype=selected_in)
    assert result.parameters.keys() == naive.keys()
    for name, gradient in naive.items():
        assert result.parameters[name].shape == gradient.shape
        assert relative_difference(result.parameters[name], gradient) < 1e-5, name
    assert result.loss == pytest.approx(loss, rel=1e-5)
    assert (result.auxiliary > 0) == bool(dead)


@pytest.mark.parametrize("architecture", ["topk", "batch_topk", "jumprelu", "matryoshka"])
def test_radial_part_of_the_decoder_gradient_comes_free(architecture):
    result, naive, _ = both_gradients(architecture, tuple(range(6)))
    _, dictionary, _ = make_case(architecture)
    radial = (naive["W_dec"] * dictionary.W_dec.double()).sum(1)
    assert relative_difference(result.decoder_radial, radial) < 1e-5


@pytest.mark.parametrize("architecture", ["topk", "batch_topk", "matryoshka"])
def test_auxiliary_loss_reaches_the_encoders_of_dead_features(architecture):
    """A feature that never fires gets an encoder gradient from the auxiliary loss and no other."""
    config, dictionary, x = make_case(architecture)
    dead = torch.arange(7)
    with torch.no_grad():
        # Just positive, so that they never win, as dead features do.
        dictionary.W_enc[dead] *= 1e-3
        dictionary.b_enc[dead] = 1e-3
        centred = x - dictionary.b_dec
        selector = Selector(dictionary, centred, Workspace(), torch.float32, SelectionRecord(8))
        entries = dictionary.training_entries(selector, config)
        without = step_gradients(dictionary, centred, entries, config, dead[:0])
        revived = step_gradients(dictionary, centred, entries, config, dead)
    assert not without.fired[dead].any()
    for name in ("W_enc", "b_enc", "W_dec"):
        assert without.parameters[name][dead].abs().max() == 0, name
        assert (revived.parameters[name][dead].abs().view(7, -1).amax(1) > 0).all(), name
