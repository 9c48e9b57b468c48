"""The position audit of a model on a GPU equals that on the CPU."""

import copy

import numpy as np
import pytest
import torch

from assay.dictionaries import BatchTopK
from assay.models import Site
from assay.position import CrossedSizes, audit_position

pytestmark = pytest.mark.gpu

SITE = Site.parse("resid_post.2")
TOLERANCE = 2e-3
"""Largest difference of a share of variance: a few tokens at a threshold fire on one side only."""


@pytest.fixture(scope="module")
def dictionary():
    torch.manual_seed(1)
    made = BatchTopK(96, 128, 8)
    for parameter in made.parameters():
        parameter.data.normal_().mul_(0.3)
    made.threshold.fill_(0.4)
    return made.requires_grad_(False)


@pytest.fixture(scope="module")
def audits(on_cpu, on_device, device, crops, dictionary):
    on_its_device = copy.deepcopy(dictionary).to(device)
    sizes = CrossedSizes(contents=16, offsets=2, fillers=2)
    return [
        audit_position(model, held, SITE, crops, causal=sizes, seed=0)
        for model, held in ((on_cpu, dictionary), (on_device, on_its_device))
    ]


def largest_difference(one, other):
    assert np.array_equal(np.isnan(one), np.isnan(other))
    return float(np.nanmax(np.abs(one - other)))


@pytest.mark.parametrize("level", ["all", "no_sink", "no_first_8"])
def test_variance_explained_by_position(audits, level):
    expected, found = (audit.observational.levels[level] for audit in audits)
    assert largest_difference(found.eta2, expected.eta2) < TOLERANCE
    assert largest_difference(found.eta2_split_half, expected.eta2_split_half) < TOLERANCE


def test_firing_rates_and_tokens_left_out(audits):
    expected, found = audits
    rates = (found.observational.firing_rate, expected.observational.firing_rate)
    assert largest_difference(*rates) < TOLERANCE
    assert found.left_out_rate == pytest.approx(expected.left_out_rate, abs=1e-4)


def test_causal_shares_and_labels(audits):
    expected, found = (audit.causal for audit in audits)
    for share in ("s_pos", "s_ctx", "s_int", "t_pos"):
        one, other = getattr(found.shares, share), getattr(expected.shares, share)
        assert largest_difference(one, other) < 10 * TOLERANCE, share
    same = [one == other for one, other in zip(found.labels, expected.labels, strict=True)]
    assert np.mean(same) > 0.95
