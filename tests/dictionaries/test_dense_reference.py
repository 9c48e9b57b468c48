"""Every architecture against its dense reference: codes, reconstructions, losses and gradients."""

import copy

import pytest
import torch
from dense_reference import ORACLES, dense_forward, dense_loss

from assay.dictionaries import ARCHITECTURES, TrainingConfig
from assay.dictionaries.selector import SelectionRecord, Selector, Workspace
from assay.dictionaries.sparse_step import step_gradients
from assay.dictionaries.state import new_dictionary

ROWS, D_IN, WIDTH, K = 96, 12, 48, 4
GRADIENT_TOLERANCE = 1e-5
"""Relative to the norm of autograd's gradient in float64."""


def test_every_architecture_has_exactly_one_oracle():
    assert set(ORACLES) == set(ARCHITECTURES)


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


def sparse_step(dictionary, x, config, dead):
    """The package's own step in float32: the codes it kept, and its gradients."""
    dtype = torch.bfloat16 if config.selection_dtype == "bfloat16" else torch.float32
    with torch.no_grad():
        centred = x - dictionary.b_dec
        selector = Selector(
            dictionary=dictionary,
            centred=centred,
            workspace=Workspace(),
            dtype=dtype,
            record=SelectionRecord(config.selection_margin),
        )
        entries = dictionary.training_entries(selector, config)
        result = step_gradients(dictionary, centred, entries, config=config, dead=dead)
    codes = torch.zeros(ROWS, WIDTH)
    codes[entries.rows, entries.features] = dictionary.codes_of(entries)
    return codes, result


def both(architecture, dead=(), seed=0, **settings):
    """The sparse step in float32, and the dense reference in float64."""
    config, dictionary, x = make_case(architecture, seed, **settings)
    dead = torch.tensor(dead, dtype=torch.int64)
    codes, result = sparse_step(dictionary, x, config, dead)
    double = copy.deepcopy(dictionary).double()
    expected, loss = dense_loss(double, x.double(), config, dead)
    loss.backward()
    gradients = {name: value.grad for name, value in double.named_parameters()}
    return codes, result, expected.detach(), gradients, float(loss.detach())


def relative_difference(one, other):
    return float(((one.double() - other).norm() / other.norm()).detach())


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("architecture", sorted(ORACLES))
def test_codes_and_reconstructions_equal_the_dense_forward(architecture, seed):
    _, dictionary, x = make_case(architecture, seed)
    if architecture in ("batch_topk", "matryoshka"):
        dictionary.threshold.fill_(1.2)
    with torch.no_grad():
        expected, reconstruction = dense_forward(dictionary, x)
    codes = dictionary.encode(x)
    assert torch.equal(codes.dense() > 0, expected > 0)
    assert (expected > 0).any()
    torch.testing.assert_close(codes.dense(), expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(dictionary(x), reconstruction, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("selected_in", ["float32", "bfloat16"])
@pytest.mark.parametrize("dead", [(), tuple(range(5)), tuple(range(20, 40))])
@pytest.mark.parametrize("architecture", sorted(ORACLES))
def test_training_codes_loss_and_gradients_equal_autograds(architecture, dead, selected_in):
    codes, result, expected, gradients, loss = both(architecture, dead, selection_dtype=selected_in)
    assert torch.equal(codes > 0, expected > 0)
    torch.testing.assert_close(codes.double(), expected, rtol=1e-5, atol=1e-5)
    assert result.loss == pytest.approx(loss, rel=1e-5)
    assert result.parameters.keys() == gradients.keys()
    for name, gradient in gradients.items():
        assert result.parameters[name].shape == gradient.shape
        assert relative_difference(result.parameters[name], gradient) < GRADIENT_TOLERANCE, name
    assert (result.auxiliary > 0) == bool(dead)


@pytest.mark.parametrize("architecture", ["topk", "batch_topk", "jumprelu", "matryoshka"])
def test_the_step_states_the_radial_part_of_the_decoder_gradient(architecture):
    _, result, _, gradients, _ = both(architecture, tuple(range(6)))
    _, dictionary, _ = make_case(architecture)
    radial = (gradients["W_dec"] * dictionary.W_dec.double()).sum(1)
    assert relative_difference(result.decoder_radial, radial) < GRADIENT_TOLERANCE


@pytest.mark.parametrize("architecture", ["topk", "batch_topk", "matryoshka"])
def test_auxiliary_loss_reaches_the_encoders_of_dead_features(architecture):
    """A feature that never fires gets an encoder gradient from the auxiliary loss and no other."""
    config, dictionary, x = make_case(architecture, selection_dtype="float32")
    dead = torch.arange(7)
    with torch.no_grad():
        # Just positive, so that they never win, as dead features do.
        dictionary.W_enc[dead] *= 1e-3
        dictionary.b_enc[dead] = 1e-3
    _, without = sparse_step(dictionary, x, config, dead[:0])
    _, revived = sparse_step(dictionary, x, config, dead)
    assert not without.fired[dead].any()
    for name in ("W_enc", "b_enc", "W_dec"):
        assert without.parameters[name][dead].abs().max() == 0, name
        assert (revived.parameters[name][dead].abs().view(7, -1).amax(1) > 0).all(), name
