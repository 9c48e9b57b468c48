"""Ablation: exact against a whole edited run, norm-matched, shared draws, corrected over cells."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from assay.concerns.conversations import Excerpt
from assay.concerns.matrix import ablating, causes
from assay.concerns.matrix.ablating import AblationRun, Effect, ablate
from assay.concerns.matrix.admission import beats_random, spares_other_text
from assay.errors import AssayError
from assay.models import Site, capture, edit, load_model
from assay.models.cross_entropy import next_token_logits
from assay.models.forward import decoder_inputs, run_decoder
from assay.statistics import proportion_lower_bound, t_interval

SITE = Site.parse("resid_post.1")
WIDTH = 32


@pytest.fixture(scope="module")
def model(tiny_model_folder):
    return load_model(str(tiny_model_folder))


def excerpt(number, turns, length):
    generator = torch.Generator().manual_seed(number)
    return Excerpt(
        id=str(number),
        tokens=tuple(torch.randint(5, 60, (length,), generator=generator).tolist()),
        shared=0,
        turns=turns,
        text="",
        label=True,
        template=str(number),
        source="x",
    )


@pytest.fixture(scope="module")
def run(model):
    """Positives of one and two turns, of different lengths; the payload has three tokens or more."""
    positives = [
        (excerpt(0, ((4, 9),), 9), [11, 12, 13, 14, 15]),
        (excerpt(1, ((2, 4), (7, 12)), 12), [21, 22, 23]),
        (excerpt(2, ((5, 8),), 8), [31, 32, 33, 34]),
    ]
    benign = [excerpt(10 + i, ((3, 9 + i),), 9 + i) for i in range(4)]
    return AblationRun(model, SITE, positives, benign), positives, benign


def basis(k, seed=0):
    rows = torch.randn(k, WIDTH, generator=torch.Generator().manual_seed(seed))
    return torch.linalg.qr(rows.T).Q.T


def whole_run(model, tokens, watched, directions):
    """The decoder's output with the directions projected out of the watched tokens, all layers run."""

    def remove(activations):
        new = activations.clone()
        at = list(watched)
        new[:, at] = new[:, at] - (new[:, at] @ directions.T) @ directions
        return new

    with edit(model, SITE, remove):
        return run_decoder(model, decoder_inputs(model, torch.tensor([tokens])))[0]


def log_odds(model, excerpt, payload, directions):
    payload = payload[: ablating.PAYLOAD_TOKENS]
    hidden = whole_run(model, (*excerpt.tokens, *payload), excerpt.watched, directions)
    logits = next_token_logits(model, hidden[len(excerpt.tokens) - 1 : -1])
    log_p = logits.log_softmax(-1)[torch.arange(len(payload)), torch.tensor(payload)].sum()
    return float(log_p - torch.log1p(-log_p.exp()))


def test_effects_are_those_of_a_whole_run_with_the_directions_projected_out(model, run):
    ready, positives, benign = run
    directions, nothing = basis(2), torch.zeros(1, WIDTH)
    found = ready.effects(directions[None], (1.0,))[0]
    wanted = [log_odds(model, *p, directions) - log_odds(model, *p, nothing) for p in positives]
    assert found.numpy() == pytest.approx(wanted, abs=1e-4)
    assert np.abs(wanted).max() > 1e-3
    losses = []
    for each in benign:
        of = []
        for removed in (directions, nothing):
            hidden = whole_run(model, each.tokens, each.watched, removed)
            logits = next_token_logits(model, hidden[each.start : -1])
            targets = torch.tensor(each.tokens[each.start + 1 :])
            of.append(float(torch.nn.functional.cross_entropy(logits, targets)))
        losses.append(of[0] - of[1])
    assert ready.damage(directions).numpy() == pytest.approx(losses, abs=1e-4)


def test_random_ablations_remove_as_much_norm_as_the_cells_own(model, run, monkeypatch):
    ready, positives, _ = run
    x = torch.cat(
        [
            capture(model, torch.tensor([e.tokens]), SITE)[SITE][0, list(e.watched)].float()
            for e, _ in positives
        ]
    )
    # A direction that carries much: random ones remove less unless they are scaled.
    strong = torch.linalg.svd(x).Vh[:1]
    seen = []
    effects = ready.effects

    def recorded(bases, scales):
        seen.append((bases, scales))
        return effects(bases, scales)

    monkeypatch.setattr(ready, "effects", recorded)
    ablate(ready, {"cell": strong}, draws=20, name="x", seed=0)

    def removed(rows, scale):
        return float((scale * (x @ rows.T) @ rows).square().sum(dim=1).mean().sqrt())

    (own, _), (random, scales) = seen
    wanted = removed(own[0], 1.0)
    assert len(random) == 20
    for rows, scale in zip(random, scales, strict=True):
        assert removed(rows, scale) == pytest.approx(wanted, rel=1e-3)
    assert min(scales) > 1.0


def test_all_cells_of_an_organism_meet_the_same_random_directions(run, monkeypatch):
    ready, _, _ = run
    seen = []
    effects = ready.effects
    monkeypatch.setattr(ready, "effects", lambda b, s: seen.append(b) or effects(b, s))
    ablate(ready, {"one": basis(1), "two": basis(2)}, draws=3, name="x", seed=0)
    _, random_one, _, random_two = seen
    assert random_one.shape == (3, 1, WIDTH)
    assert torch.allclose(random_one, random_two[:, :1], atol=1e-6)
    other = ablating._random_bases(1, WIDTH, 3, "y", 0)
    assert not torch.allclose(random_one, other, atol=1e-3)


def test_intervals_are_students_over_conversations(run):
    ready, positives, benign = run
    effect = ablate(ready, {"cell": basis(2)}, draws=2, name="x", seed=0)["cell"]
    values = ready.effects(basis(2)[None], (1.0,))[0].double().numpy()
    damage = ready.damage(basis(2)).double().numpy()
    assert effect.effect_ci == pytest.approx(t_interval(values))
    assert effect.off_target == pytest.approx(damage.mean())
    # One-sided 95 %: Student's t with three degrees of freedom is 2.353.
    upper = damage.mean() + 2.353 * damage.std(ddof=1) / np.sqrt(len(benign))
    assert effect.off_target_upper == pytest.approx(upper, abs=1e-4)
    assert effect.n == len(positives)


def test_an_ablation_needs_two_conversations_of_either_kind(model, run):
    _, positives, benign = run
    for some, other in ((positives[:1], benign), (positives, benign[:1])):
        with pytest.raises(AssayError, match="at least two of each"):
            AblationRun(model, SITE, some, other)


def effect(mean, random, error=0.05):
    return Effect(mean, (mean - 2 * error, mean + 2 * error), tuple(random), 0.0, 0.01, 16)


def with_p(effects):
    cell = SimpleNamespace(strategy="base", detector="rule", organism="x")
    return causes.with_p([causes.MeasuredEffect(cell, each) for each in effects])


def test_an_ablation_is_causal_where_it_beats_the_random_ones_of_all_cells():
    random = np.linspace(-1, 1, 99)
    alone = with_p([effect(-1.5, random)])[0]
    assert alone.p == alone.p_adjusted == 0.01
    assert beats_random(alone)
    assert spares_other_text(alone)
    (weak, strong) = with_p([effect(-0.97, random), effect(-3.0, -random)])
    assert weak.p == pytest.approx(0.03)
    assert weak.p_adjusted == pytest.approx(0.05)
    assert strong.p_adjusted == 0.01
    # Cells that remove much norm have larger effects by chance: each is held to its own scale.
    (small, _) = with_p([effect(-1.5, random), effect(-150.0, 100 * random)])
    assert small.p_adjusted == 0.01
    assert with_p([]) == []


def test_over_five_cells_without_a_cause_hardly_ever_one_passes():
    """Family-wise error; by five random ablations each, some cell of five passes in 60 % of runs."""
    generator = np.random.default_rng(0)
    runs, passed = 600, 0
    for _ in range(runs):
        drawn = generator.standard_normal((5, 100))
        found = with_p([effect(row[0], row[1:], error=0.0) for row in drawn])
        passed += any(beats_random(each) for each in found)
    assert proportion_lower_bound(passed, runs) <= 0.05
    assert passed > 0
