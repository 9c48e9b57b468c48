"""Training finds planted directions, folds its scale, and refuses bad input."""

import pytest
import torch
from pydantic import ValidationError

from assay.dictionaries import ARCHITECTURES, TrainingConfig, train
from assay.dictionaries.selector import Workspace
from assay.dictionaries.state import new_state
from assay.dictionaries.training_loop import train_step
from assay.errors import AssayError
from assay.pipeline.case import Training
from assay.strict import describe

D_IN, TRUE_FEATURES, ACTIVE = 64, 256, 5


def true_directions():
    generator = torch.Generator().manual_seed(0)
    directions = torch.randn(TRUE_FEATURES, D_IN, generator=generator)
    return torch.nn.functional.normalize(directions, dim=1)


def planted(rows, steps, seed=1):
    """Sums of 5 of 256 known unit directions with weights in [.5, 1.5]."""
    generator = torch.Generator().manual_seed(seed)
    directions = true_directions()
    for _ in range(steps):
        which = torch.rand(rows, TRUE_FEATURES, generator=generator).topk(ACTIVE, dim=1).indices
        weights = torch.rand(rows, ACTIVE, generator=generator) + 0.5
        yield torch.nn.functional.embedding_bag(
            which, directions, per_sample_weights=weights, mode="sum"
        )


def mean_max_cosine(dictionary):
    decoder = torch.nn.functional.normalize(dictionary.W_dec, dim=1)
    return float((true_directions() @ decoder.T).amax(1).mean())


def config_for(architecture, **settings):
    return TrainingConfig(
        **{
            "width": TRUE_FEATURES,
            "k": ACTIVE,
            "architecture": architecture,
            "learning_rate": 5e-3,
            **settings,
        }
    )


def unexplained(dictionary, x):
    error = (dictionary(x) - x).pow(2).sum()
    return float(error / (x - x.mean(0)).pow(2).sum())


@pytest.mark.parametrize(
    ("architecture", "selection_dtype", "cosine"),
    [("batch_topk", "bfloat16", 0.9), ("topk", "float32", 0.93)],
)
def test_planted_directions_are_found(architecture, selection_dtype, cosine):
    config = config_for(architecture, steps=1000, selection_dtype=selection_dtype)
    dictionary = train(planted(512, 1000), config)
    assert mean_max_cosine(dictionary) >= cosine
    (x,) = planted(4000, 1, seed=99)
    # At inference the threshold keeps about k features a row on rows never seen.
    codes = dictionary.encode(x)
    assert len(codes.values) / len(x) == pytest.approx(ACTIVE, rel=0.1)
    assert unexplained(dictionary, x) < 0.3


@pytest.mark.parametrize(
    ("architecture", "settings", "cosine"),
    [
        ("jumprelu", {}, 0.75),
        ("matryoshka", {"prefixes": (64, 256)}, 0.75),
        ("relu_l1", {"l1_coefficient": 0.3}, 0.6),
    ],
)
def test_every_architecture_learns(architecture, settings, cosine):
    config = config_for(architecture, steps=400, **settings)
    dictionary = train(planted(256, 400), config)
    (x,) = planted(2000, 1, seed=99)
    assert unexplained(dictionary, x) < 0.45
    assert mean_max_cosine(dictionary) > cosine


def test_jumprelu_reaches_its_l0_target():
    dictionary = train(planted(256, 400), config_for("jumprelu", steps=400))
    (x,) = planted(2000, 1, seed=99)
    assert len(dictionary.encode(x).values) / len(x) == pytest.approx(ACTIVE, rel=0.2)


@pytest.mark.parametrize(
    "architecture", ["topk", "batch_topk", "jumprelu", "matryoshka", "relu_l1"]
)
def test_scale_is_folded_so_that_raw_activations_work(architecture):
    """Training on activations 1000 times as large gives the same dictionary, 1000 times as large."""
    config = config_for(architecture, steps=60, width=128)
    small = train(planted(128, 60), config)
    large = train((x * 1024 for x in planted(128, 60)), config)
    (x,) = planted(500, 1, seed=9)
    torch.testing.assert_close(large(x * 1024), small(x) * 1024, rtol=1e-4, atol=1e-2)
    assert len(large.encode(x * 1024).values) == len(small.encode(x).values)


def test_decoder_rows_keep_unit_norm():
    dictionary = train(planted(128, 30), config_for("batch_topk", steps=30))
    torch.testing.assert_close(dictionary.W_dec.norm(dim=1), torch.ones(TRUE_FEATURES))


def test_the_radial_part_of_the_decoder_gradient_is_removed():
    """What Adam averages is orthogonal to each unit row, so that renormalising undoes no step."""
    config = config_for("batch_topk", steps=10, dead_after_tokens=1)
    batches = list(planted(256, 2))
    state = new_state(batches[0], config, 10)
    before = state.dictionary.W_dec.detach().clone()
    # The dead features join through the auxiliary loss.
    state.silent_for += 100
    train_step(state, batches[0], config, steps=10, workspace=Workspace())
    average = state.optimiser.state[state.dictionary.W_dec]["exp_avg"]
    radial = (average * before).sum(1)
    assert float(average.norm()) > 0
    assert float(radial.norm()) < 1e-5 * float(average.norm())


def test_gradients_are_clipped_to_their_common_norm():
    config = config_for("batch_topk", steps=10, gradient_clip=1e-3)
    (x,) = planted(256, 1)
    state = new_state(x, config, 10)
    train_step(state, x, config, steps=10, workspace=Workspace())
    averages = [state.optimiser.state[p]["exp_avg"] for p in state.dictionary.parameters()]
    # Adam's first average is a tenth of the gradient.
    norm = torch.stack([average.norm() for average in averages]).norm()
    assert float(norm) == pytest.approx(1e-4, rel=1e-3)


def test_dead_features_are_revived():
    """Features turned away from the data fire again with the auxiliary loss, and not without it."""

    def firing_share(coefficient):
        config = config_for(
            "batch_topk", steps=200, dead_after_tokens=1, auxiliary_coefficient=coefficient
        )
        batches = list(planted(256, 200))
        state = new_state(batches[0], config, 200)
        dead = slice(0, 128)
        # Barely positive everywhere: never among the largest.
        state.dictionary.W_enc.data[dead] *= 0.01
        state.dictionary.b_enc.data[dead] = 0.01
        workspace = Workspace()
        for x in batches:
            train_step(state, x, config, steps=200, workspace=workspace)
        fired = torch.zeros(TRUE_FEATURES, dtype=torch.bool)
        (x,) = planted(4000, 1, seed=5)
        state.dictionary.rescale(1 / state.figures.scale)
        fired[state.dictionary.encode(x).features] = True
        return float(fired[dead].float().mean())

    assert firing_share(0.0) == 0
    assert firing_share(1 / 32) > 0.5


def test_training_on_bfloat16_activations_works():
    dictionary = train((x.bfloat16() for x in planted(128, 20)), config_for("batch_topk", steps=20))
    assert dictionary.W_dec.dtype == torch.float32
    assert dictionary.training_figures["tokens"] == 128 * 20


def test_batches_that_end_early_are_recorded():
    dictionary = train(planted(64, 4), config_for("topk", steps=10))
    assert dictionary.training_figures["steps"] == 4
    assert dictionary.training_figures["ended_early"] is True


def test_the_number_of_steps_comes_from_the_batches_where_they_know_it():
    assert train(list(planted(64, 7)), config_for("topk")).training_figures["steps"] == 7
    with pytest.raises(AssayError, match="number of training steps"):
        train(planted(64, 7), config_for("topk"))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("number", [1, 3])
def test_activations_that_are_not_finite_are_refused_with_the_batch_number(bad, number):
    batches = list(planted(64, 4))
    batches[number - 1][5, 7] = bad
    with pytest.raises(AssayError, match=f"batch {number} holds NaN or infinite .* 1 of its 64"):
        train(batches, config_for("batch_topk"))


def test_another_width_is_refused_with_the_batch_number():
    batches = list(planted(64, 3))
    batches[2] = batches[2][:, :32]
    with pytest.raises(AssayError, match="batch 3 holds activations of width 32; .* width 64"):
        train(batches, config_for("batch_topk"))


def test_no_batches_and_constant_batches_are_refused():
    with pytest.raises(AssayError, match="no batches"):
        train([], config_for("topk", steps=3))
    with pytest.raises(AssayError, match="all activations of the first batch are equal"):
        train([torch.ones(8, 4)], config_for("topk"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"k": 300}, "k = 300 exceeds the width, 256"),
        ({"steps": 0}, "steps: Input should be greater than or equal to 1"),
        ({"learning_rate": -1.0}, "learning_rate: Input should be greater than 0"),
        ({"decay_share": 2.0}, "decay_share: Input should be less than or equal to 1"),
        ({"bandwidth": 0.0}, "bandwidth: Input should be greater than 0"),
        ({"selection_dtype": "float16"}, "should be 'auto', 'float32' or 'bfloat16'"),
        ({"architecture": "batch_top"}, "did you mean 'batch_topk'"),
        ({"prefixes": (16, 8, 256)}, "must rise and end at the width, 256"),
        ({"learning_rates": 1e-3}, "did you mean 'learning_rate'"),
    ],
)
def test_settings_out_of_range_are_refused_in_one_line(settings, message):
    with pytest.raises(ValidationError) as caught:
        config_for(**{"architecture": "topk", **settings})
    line = describe(caught.value)
    assert message in line
    assert "\n" not in line


def test_no_setting_of_a_case_file_is_lost_in_training():
    """What the case file calls ``train:`` is the trainer's own class."""
    written = {"architecture": "jumprelu", "bandwidth": 0.05, "l0_coefficient": 2.0, "tokens": 9000}
    train_section = Training.model_validate(written)
    assert isinstance(train_section, TrainingConfig)
    settings = train_section.as_json()
    assert (settings["bandwidth"], settings["l0_coefficient"]) == (0.05, 2.0)
    assert settings.keys() == TrainingConfig.model_fields.keys()


def test_an_interval_between_checkpoints_below_1_is_refused():
    with pytest.raises(AssayError, match="checkpoint_interval = 0"):
        train(planted(64, 3), config_for("topk", steps=3), checkpoint_interval=0)


def test_matryoshka_prefixes_must_rise_to_the_width():
    with pytest.raises(AssayError, match="must rise and end at the width, 64"):
        ARCHITECTURES["matryoshka"](8, 64, 4, prefixes=(16, 8, 64))


def test_the_configured_prefixes_are_those_of_the_dictionary():
    config = config_for("matryoshka", steps=2, prefixes=(100, 256))
    assert train(planted(64, 2), config).prefixes == (100, 256)
    assert train(planted(64, 2), config_for("matryoshka", steps=2)).prefixes[-2:] == (128, 256)


def test_learning_rate_rises_stays_and_falls():
    config = config_for("topk", width=2**14, learning_rate=None)
    rates = [config.rate_at(step, 1000) for step in range(1000)]
    assert max(rates) == pytest.approx(2e-4)
    assert rates[0] == pytest.approx(2e-4 / 101)
    assert rates[400] == max(rates)
    assert rates[-1] == pytest.approx(2e-4 / 200)


def test_batch_topk_features_can_be_computed_alone():
    dictionary = train(planted(128, 50), config_for("batch_topk", steps=50))
    (x,) = planted(300, 1, seed=3)
    watched = torch.tensor([7, 0, 200])
    alone = dictionary.encode_features(x, watched)
    torch.testing.assert_close(alone, dictionary.encode(x).dense()[:, watched])


def test_topk_features_cannot_be_computed_alone_but_their_pre_activations_can():
    dictionary = train(planted(128, 50), config_for("topk", steps=50))
    (x,) = planted(300, 1, seed=3)
    watched = torch.tensor([7, 0, 200])
    with pytest.raises(AssayError, match="depend on their rivals"):
        dictionary.encode_features(x, watched)
    upper = dictionary.relu_pre_activations(x, watched)
    codes = dictionary.encode(x).dense()[:, watched]
    assert (codes > 0).any()
    torch.testing.assert_close(upper[codes > 0], codes[codes > 0])
    assert (upper >= codes - 1e-6).all()


def test_activations_of_another_width_and_unknown_features_are_refused():
    dictionary = ARCHITECTURES["batch_topk"](8, 16, 2)
    with pytest.raises(AssayError, match=r"expected \[rows, 8\]"):
        dictionary.encode(torch.zeros(3, 9))
    with pytest.raises(AssayError, match="valid: 0 to 15"):
        dictionary.encode_features(torch.zeros(3, 8), torch.tensor([16]))
