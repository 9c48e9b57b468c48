"""An ablation is compared with random ones that take away as much."""

from __future__ import annotations

import pytest
import torch

from assay.concerns.matrix.ablating import ablate


class Recorded:
    """Stands for an organism's conversations: remembers how much norm each ablation takes away."""

    def __init__(self):
        generator = torch.Generator().manual_seed(0)
        # Activations are far larger along the first direction than along others.
        self.watched = torch.randn(60, 24, generator=generator) * 0.1
        self.watched[:, 0] += 5
        self.taken = []

    def removed_norm(self, basis):
        return float((self.watched @ basis.T).square().sum(dim=1).mean().sqrt())

    def effects(self, bases, scales):
        self.taken += [s * self.removed_norm(b) for b, s in zip(bases, scales, strict=True)]
        return torch.arange(3.0).expand(len(bases), 3)

    def damage(self, basis):
        return torch.arange(3.0)


def test_every_random_ablation_removes_the_same_norm_as_the_direction():
    run, direction = Recorded(), torch.eye(24)[:1]
    ablate(run, {"cell": direction}, draws=20, name="one", seed=0)
    own, *random = run.taken
    assert len(random) == 20
    assert random == pytest.approx([own] * 20, rel=1e-4)
