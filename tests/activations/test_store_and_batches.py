"""Harvests resume to the same bytes; batches mix as promised; the sink is found and measured."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import assay.activations.harvesting as harvest_module
from assay.activations import ResidualVariance, harvest, open_store, shuffled_batches
from assay.activations.sink import ResidualSums, left_out, median_norm
from assay.errors import AssayError
from assay.files import sha256_of
from assay.text import Crops


def crops_of(rows, length, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return Crops(
        torch.randint(0, 64, (rows, length), generator=generator),
        np.arange(rows) % max(rows // 2, 1),
        np.arange(rows) * 3,
        tuple(f"made/{i}" for i in range(rows)),
        None,
    )


@pytest.fixture
def tiny_model():
    from transformers import LlamaConfig, LlamaForCausalLM

    from assay.models import wrap_model

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    return wrap_model(LlamaForCausalLM(config).eval(), name="tiny")


def run(model, out, crops, crops_per_forward=4):
    from assay.models import Site

    return harvest(
        model,
        Site.parse("resid_post.1"),
        crops,
        out,
        text="made",
        text_sha256="0" * 64,
        seed=0,
        crops_per_forward=crops_per_forward,
    )


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(harvest_module, "ROWS_PER_SHARD", 128)


@pytest.mark.usefixtures("small_shards")
def test_every_row_keeps_its_token_position_document_and_crop_start(tiny_model, tmp_path):
    from assay.models import Site, capture

    crops = crops_of(20, 16)
    store = run(tiny_model, tmp_path / "store", crops)
    assert len(store.shards) == 3
    shard = store.read_shard(1)
    first = store.manifest.crops_per_shard
    assert shard["activations"].dtype == torch.bfloat16
    assert shard["tokens"].tolist() == crops.tokens[first : first + 8].flatten().tolist()
    assert shard["positions"].tolist() == list(range(16)) * 8
    assert shard["documents"].tolist() == np.repeat(crops.documents[first : first + 8], 16).tolist()
    assert shard["starts"].tolist() == np.repeat(crops.starts[first : first + 8], 16).tolist()
    site = Site.parse("resid_post.1")
    expected = capture(tiny_model, crops.tokens[first : first + 4], [site])[site]
    assert torch.equal(shard["activations"][: 4 * 16], expected.flatten(0, 1).bfloat16())


@pytest.mark.usefixtures("small_shards")
def test_an_interrupted_harvest_resumes_to_the_same_bytes(tiny_model, tmp_path, monkeypatch):
    crops = crops_of(20, 16)
    whole = run(tiny_model, tmp_path / "whole", crops)
    write = harvest_module._write_shard
    calls = []

    def fail_on_third(path, activations, part):
        calls.append(path)
        if len(calls) == 3:
            raise KeyboardInterrupt
        write(path, activations, part)

    monkeypatch.setattr(harvest_module, "_write_shard", fail_on_third)
    with pytest.raises(KeyboardInterrupt):
        run(tiny_model, tmp_path / "cut", crops)
    with pytest.raises(AssayError, match="does not exist"):
        open_store(tmp_path / "cut")
    monkeypatch.setattr(harvest_module, "_write_shard", write)
    resumed = run(tiny_model, tmp_path / "cut", crops)
    for a, b in zip(whole.shards, resumed.shards, strict=True):
        assert sha256_of(a) == sha256_of(b)
    assert whole.manifest == resumed.manifest


def test_a_folder_of_other_inputs_is_refused(tiny_model, tmp_path):
    run(tiny_model, tmp_path / "store", crops_of(8, 16))
    with pytest.raises(AssayError, match="other inputs"):
        run(tiny_model, tmp_path / "store", crops_of(8, 16, seed=1))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    with pytest.raises(AssayError, match="not empty"):
        run(tiny_model, tmp_path / "mine", crops_of(8, 16))


def test_truncated_shards_and_nan_activations_are_named(tiny_model, tmp_path):
    store = run(tiny_model, tmp_path / "store", crops_of(8, 16))
    content = store.shards[0].read_bytes()
    store.shards[0].write_bytes(content[: len(content) // 2])
    with pytest.raises(AssayError, match="truncated or damaged"):
        store.read_shard(0)
    store.shards[0].unlink()
    with pytest.raises(AssayError, match="lacks shard-00000"):
        open_store(tmp_path / "store")
    with torch.no_grad():
        tiny_model.module.model.layers[0].mlp.down_proj.weight.fill_(float("nan"))
    with pytest.raises(AssayError, match="NaN or infinity"):
        run(tiny_model, tmp_path / "other", crops_of(8, 16))


@pytest.mark.usefixtures("small_shards")
def test_one_epoch_holds_each_kept_row_once_and_never_the_sink(tiny_model, tmp_path):
    store = run(tiny_model, tmp_path / "store", crops_of(40, 16))
    seen = []
    for batch in shuffled_batches(store, 50, seed=0):
        assert batch.activations.shape == (50, 32)
        assert (batch.positions > 0).all()
        seen.extend(zip(batch.starts.tolist(), batch.positions.tolist(), strict=True))
    assert len(seen) == len(set(seen)) == 40 * 15 // 50 * 50


@pytest.mark.usefixtures("small_shards")
@pytest.mark.parametrize("batch_size", [16, 50, 128])
def test_the_share_of_a_batch_from_one_forward_pass_is_bounded_as_promised(
    tiny_model, tmp_path, batch_size
):
    store = run(tiny_model, tmp_path / "store", crops_of(64, 16))
    batches = list(shuffled_batches(store, batch_size, seed=1, pool_shards=8, leave_out_sink=False))
    pool, passes = 64 * 16, 16
    bound = -(-64 * (batch_size + passes) // pool) + 1
    worst = max(int(batch.passes.bincount().max()) for batch in batches)
    assert worst <= bound
    # The bound bites: rows in stored order would break it.
    assert min(64, batch_size) > bound


@pytest.mark.usefixtures("small_shards")
def test_epochs_differ_and_the_same_seed_gives_the_same_batches(tiny_model, tmp_path):
    store = run(tiny_model, tmp_path / "store", crops_of(20, 16))
    two = list(shuffled_batches(store, 30, seed=0, epochs=2))
    again = list(shuffled_batches(store, 30, seed=0, epochs=2))
    assert all(torch.equal(a.activations, b.activations) for a, b in zip(two, again, strict=True))
    assert not torch.equal(two[0].starts, two[10].starts)


def planted(position_share, spike, rows=400, length=16, width=24, seed=0):
    """Activations whose position carries a known share of variance, with a spike at 0."""
    generator = torch.Generator().manual_seed(seed)
    content = torch.randn(rows, length, width, generator=generator)
    code = torch.randn(length, width, generator=generator)
    code = (code - code[1:].mean(0)) / code[1:].std(0, correction=0)
    x = position_share**0.5 * code + (1 - position_share) ** 0.5 * content
    x[:, 0] += spike
    return x


def measure(x, groups=16):
    rows, length, width = x.shape
    sums = ResidualSums(groups, length, width)
    positions = torch.arange(length).expand(rows, length)
    out = left_out(x, positions, median_norm(x))
    dealt = torch.arange(rows) % groups
    for start in range(0, rows, 100):
        part = slice(start, start + 100)
        sums.add(x[part], dealt[part], out[part])
    return sums.finish(rows, rows)


def test_a_planted_share_of_position_variance_is_recovered_within_its_interval():
    found = measure(planted(0.3, 0.0))
    estimate, (low, high) = found.epsilon2.no_sink.value, found.epsilon2.no_sink.ci
    assert estimate == pytest.approx(0.3, abs=0.02)
    assert low <= 0.3 <= high or abs(estimate - 0.3) < 3 * (high - low) / 4


def test_the_sink_dominates_until_it_is_left_out():
    found = measure(planted(0.0, 300.0))
    assert isinstance(found, ResidualVariance)
    assert found.epsilon2.all.value > 0.98
    assert abs(found.epsilon2.no_sink.value) < 0.01
    assert found.sink_share.value > 0.98
    assert found.sink_share.ci[0] <= found.sink_share.value <= found.sink_share.ci[1]
    assert found.left_out_rate == pytest.approx(1 / 16)
    assert found.massive_rate == 0.0


def test_a_massive_token_elsewhere_is_left_out_and_counted():
    x = planted(0.0, 0.0)
    x[::10, 5] *= 100
    found = measure(x)
    assert found.massive_rate == pytest.approx(0.1 / 16)
    assert found.sink_share.value > 0.9
