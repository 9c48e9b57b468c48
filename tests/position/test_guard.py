"""An offset is left out for what it does to the model, not for the fillers that were drawn."""

from __future__ import annotations

import numpy as np
import pytest

from assay.position.crossed.cross_entropy_guard import _verdicts


def kept(checks):
    return [check.offset for check in checks if check.used]


def test_shifted_ids_must_leave_predictions_alone_in_either_direction():
    rest = np.array([[0.0], [-0.06], [0.04]])
    assert kept(_verdicts((0, 50, 100), rest, rest, inserts=False)) == [0, 100]


def test_harm_at_one_offset_beyond_the_fillers_chance_leaves_it_out():
    generator = np.random.default_rng(0)
    rest = generator.normal(0.2, 0.02, (3, 8)) + np.array([[0.0], [0.0], [0.5]])
    checks = _verdicts((128, 256, 384), rest, rest, inserts=True)
    assert kept(checks) == [128, 256]
    assert checks[3].rest == pytest.approx(0.7, abs=0.05)
    assert checks[3].rest_against_others == pytest.approx(0.33, abs=0.05)


def test_text_that_harms_at_all_offsets_alike_is_context_and_keeps_them():
    generator = np.random.default_rng(1)
    rest = generator.normal(0.3, 0.02, (3, 8))
    assert kept(_verdicts((128, 256, 384), rest, rest, inserts=True)) == [128, 256, 384]


def test_fillers_that_differ_widely_seldom_leave_an_offset_out():
    generator = np.random.default_rng(2)
    wrong = 0
    for _ in range(300):
        rest = generator.normal(0.1, 0.15, (3, 4))
        wrong += len(kept(_verdicts((1, 2, 3), rest, rest, inserts=True))) < 3
    assert wrong / 300 < 0.1
