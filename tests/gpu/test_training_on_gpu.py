"""Harvest, training step and dictionaries on a GPU equal those on the CPU."""

import pytest
import torch

from assay.activations import harvest
from assay.dictionaries import TrainingConfig, measure_quality, train, train_dictionary
from assay.dictionaries.formats import load_dictionary
from assay.dictionaries.selector import SelectionRecord, Selector, Workspace
from assay.dictionaries.sparse_step import step_gradients
from assay.dictionaries.state import new_state
from assay.dictionaries.training_loop import train_step

pytestmark = pytest.mark.gpu

ARCHITECTURES = ["topk", "batch_topk", "jumprelu", "matryoshka", "relu_l1"]
GRADIENT_TOLERANCE = 1e-4
"""Relative norm of the difference of float32 gradients: sums run in another order."""
LOSS_TOLERANCE = 1e-3
"""Relative difference of the loss after 20 steps."""
ROWS, D_IN, WIDTH, K = 512, 96, 1024, 8


def batches(count=20):
    """Sums of 6 of 300 random directions."""
    generator = torch.Generator().manual_seed(0)
    directions = torch.nn.functional.normalize(torch.randn(300, D_IN, generator=generator), dim=1)
    for _ in range(count):
        which = torch.randint(0, 300, (ROWS, 6), generator=generator)
        weights = torch.rand(ROWS, 6, generator=generator) + 0.5
        yield torch.nn.functional.embedding_bag(
            which, directions, per_sample_weights=weights, mode="sum"
        )


def config_for(architecture, **settings):
    settings = {"selection_dtype": "float32", "dead_after_tokens": 2048, **settings}
    return TrainingConfig(width=WIDTH, k=K, architecture=architecture, steps=20, **settings)


def gradients_at_start(architecture, place, **settings):
    """The first batch's gradients, some features dead, and which entries were kept."""
    (x,) = batches(1)
    x = x.to(place)
    config = config_for(architecture, **settings)
    state = new_state(x, config, 20)
    dictionary = state.dictionary
    with torch.no_grad():
        centred = x * state.figures.scale - dictionary.b_dec
        selector = Selector(
            dictionary=dictionary,
            centred=centred,
            workspace=Workspace(),
            dtype=torch.bfloat16 if settings else torch.float32,
            record=SelectionRecord(config.selection_margin),
        )
        entries = dictionary.training_entries(selector, config)
        dead = torch.arange(40, device=place)
        result = step_gradients(dictionary, centred, entries, config=config, dead=dead)
    kept = torch.zeros(ROWS, WIDTH, dtype=torch.bool)
    kept[entries.rows.cpu(), entries.features.cpu()] = True
    return result, kept


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_gradients_of_one_step(architecture, device):
    expected, _ = gradients_at_start(architecture, "cpu")
    found, _ = gradients_at_start(architecture, device)
    assert found.loss == pytest.approx(expected.loss, rel=GRADIENT_TOLERANCE)
    for name, gradient in expected.parameters.items():
        difference = (found.parameters[name].cpu() - gradient).norm()
        assert float(difference) <= GRADIENT_TOLERANCE * float(gradient.norm()), name


@pytest.mark.parametrize("architecture", ["topk", "batch_topk", "matryoshka"])
def test_selection_in_bfloat16_keeps_the_entries_of_float32(architecture, device):
    _, exact = gradients_at_start(architecture, device)
    _, found = gradients_at_start(architecture, device, selection_dtype="bfloat16")
    # Entries that tie within float32's rounding may be exchanged.
    assert int((exact != found).sum()) <= 2e-4 * int(exact.sum())


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_loss_after_twenty_steps(architecture, device):
    config = config_for(architecture)
    losses = []
    for place in (torch.device("cpu"), device):
        state, workspace = None, Workspace()
        for x in batches():
            x = x.to(place)
            state = state or new_state(x, config, 20)
            result = train_step(state, x, config, steps=20, workspace=workspace)
        losses.append(result.loss)
    assert losses[1] == pytest.approx(losses[0], rel=LOSS_TOLERANCE)


def test_codes_of_a_dictionary_trained_on_the_cpu(device):
    dictionary = train(batches(), config_for("batch_topk"))
    (x,) = batches(1)
    expected = dictionary.encode(x).dense()
    found = dictionary.to(device).encode(x.to(device)).dense().cpu()
    assert int(((found > 0) != (expected > 0)).sum()) <= 2e-4 * int((expected > 0).sum())
    both = (found > 0) & (expected > 0)
    torch.testing.assert_close(found[both], expected[both], rtol=1e-4, atol=1e-5)


def test_an_interrupted_run_resumes_on_the_device(device, tmp_path):
    config = config_for("batch_topk")
    kept = {"checkpoint": tmp_path / "run", "checkpoint_interval": 5}
    data = [x.to(device) for x in batches()]
    whole = train(data, config)
    train(data[:13], config, **kept)
    resumed = train(data, config, **kept)
    assert resumed.W_dec.device.type == device.type
    difference = (resumed.W_dec - whole.W_dec).norm() / whole.W_dec.norm()
    assert float(difference) < 1e-2


def test_harvest_training_and_quality_from_end_to_end(on_cpu, on_device, crops, tmp_path):
    qualities = []
    for name, model in (("cpu", on_cpu), ("device", on_device)):
        store = harvest(
            model,
            "resid_post.2",
            crops,
            tmp_path / name / "activations",
            text="made",
            text_sha256="0" * 64,
            seed=0,
        )
        config = TrainingConfig(width=256, k=8, steps=60)
        train_dictionary(store, tmp_path / name / "dictionary", config, batch_size=512)
        loaded = load_dictionary(tmp_path / name / "dictionary")
        loaded.dictionary.to(model.device)
        qualities.append(
            measure_quality(model, "resid_post.2", loaded, crops, spliced_rows=64, seed=0)
        )
    expected, found = qualities
    for figure in ("variance_explained", "l0"):
        assert getattr(found, figure).value == pytest.approx(
            getattr(expected, figure).value, rel=0.01
        ), figure
    assert found.sink.sink_share.value == pytest.approx(expected.sink.sink_share.value, rel=0.01)
    assert found.cross_entropy.clean == pytest.approx(expected.cross_entropy.clean, rel=1e-3)
