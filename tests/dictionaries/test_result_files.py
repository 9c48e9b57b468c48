"""What a dictionary's stages leave: the trained folder, quality.json and contexts.json."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from small_dictionary import SETTINGS, SITE, tiny_crops, tiny_model, tiny_store, trained

from assay.activations import left_out, median_norm
from assay.dictionaries import (
    ContextCollector,
    DecodedContext,
    DecodedContexts,
    FeatureContexts,
    QualityResult,
    check_fit,
    decode_contexts,
    measure_quality,
    quality_evidence,
    reconstruction_quality,
    train_dictionary,
)
from assay.dictionaries import training_on_store as training_module
from assay.errors import AssayError
from assay.models import Site, capture
from assay.randomness import numpy_generator
from assay.statistics import assign_groups, jackknife_interval

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"


@pytest.fixture(scope="module")
def model(small_tokenizer):
    return tiny_model(small_tokenizer)


@pytest.fixture(scope="module")
def loaded(model, tmp_path_factory):
    return trained(model, tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="module")
def quality(model, loaded):
    return measure_quality(model, SITE, loaded, tiny_crops(), spliced_rows=40, seed=7)


@pytest.fixture(scope="module")
def collected(model, loaded):
    site = Site.parse(SITE)
    crops = tiny_crops()
    length = crops.tokens.shape[1]
    collector = ContextCollector(loaded.dictionary.width, length)
    x = capture(model, crops.tokens, [site])[site].flatten(0, 1)
    first = torch.arange(len(x)) % length == 0
    collector.add(loaded.dictionary.encode(x), 0, first)
    return collector.finish()


@pytest.fixture(scope="module")
def contexts(model, loaded, collected):
    return decode_contexts(model, SITE, loaded.dictionary, collected, crops=tiny_crops())


def test_the_trained_folder_says_where_it_came_from(loaded, model):
    metadata = loaded.metadata
    assert (metadata.model, metadata.site, metadata.first_token) == ("tiny", SITE, None)
    assert metadata.hashes["model"] == model.fingerprint
    assert metadata.training["config"] == SETTINGS.as_json() | {"seed": 2}
    assert metadata.training["text"] == "made"


def test_training_on_a_store_resumes_to_the_same_files_and_leaves_no_checkpoint(
    model, tmp_path, monkeypatch
):
    store = tiny_store(model, tmp_path / "activations")
    options = {"batch_size": 128, "seed": 2}
    train_dictionary(store, tmp_path / "whole", SETTINGS, **options)
    real = training_module.train

    def interrupted(batches, config, **settings):
        def until_the_power_fails():
            for number, batch in enumerate(batches):
                if number == 20:
                    raise KeyboardInterrupt
                yield batch

        return real(until_the_power_fails(), config, **settings, checkpoint_interval=8)

    monkeypatch.setattr(training_module, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_dictionary(store, tmp_path / "cut", SETTINGS, **options)
    assert not (tmp_path / "cut").exists()
    assert [path.name for path in tmp_path.glob(".cut.*.checkpoint")] != []
    monkeypatch.setattr(training_module, "train", real)
    # A folder does as well as an open store.
    train_dictionary(tmp_path / "activations", tmp_path / "cut", SETTINGS, **options)
    for file in ("cfg.json", "assay.json", "sae_weights.safetensors"):
        assert (tmp_path / "cut" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()
    assert not list(tmp_path.glob(".*"))


def test_a_dictionary_of_another_site_or_width_does_not_fit(loaded, model):
    check_fit(loaded, model, SITE)
    with pytest.raises(AssayError, match=r"was trained at resid_post.1, not at resid_post.2"):
        check_fit(loaded, model, "resid_post.2")
    with pytest.raises(AssayError, match="width 32, but z.1.h0 of tiny has width 8"):
        check_fit(loaded, model, "z.1.h0")


def test_quality_is_written_and_read_back_whole(quality, tmp_path):
    path = quality.write(tmp_path)
    assert path.name == "quality.json"
    assert QualityResult.read(tmp_path) == quality
    altered = json.loads(path.read_text()) | {"version": 0}
    path.write_text(json.dumps(altered))
    with pytest.raises(AssayError, match="version 0; .* write it again with 'assay run CASE.yaml'"):
        QualityResult.read(tmp_path)


def test_every_figure_of_quality_is_a_record_with_its_interval_and_units(quality):
    records = {record.metric: record for record in quality_evidence(quality, {"model": "ab"})}
    assert list(records) == [
        "variance explained without the sink",
        "variance explained, sink included",
        "L0",
        "dead features",
        "sink's share of the residual variance",
        "cross-entropy recovered",
    ]
    explained = records["variance explained without the sink"]
    assert explained.estimate == quality.variance_explained.value
    assert explained.ci == quality.variance_explained.ci
    assert explained.method == "delete-a-group jackknife over documents"
    assert (explained.n, explained.unit, explained.split, explained.seed) == (
        40,
        "documents",
        "held_out",
        7,
    )
    assert explained.inputs == {"model": "ab"}
    dead = records["dead features"]
    assert (dead.ci, dead.method) == (None, "counted")
    assert f"{quality.tokens:,} held-out tokens" in dead.note
    spliced = records["cross-entropy recovered"]
    assert spliced.estimate == quality.cross_entropy.recovered.value
    assert f"clean {quality.cross_entropy.clean:.2f}, spliced " in spliced.note


def test_intervals_are_jackknifed_over_groups_drawn_from_named_streams(quality, model, loaded):
    """The same figures by hand; a renamed random stream would change every interval."""
    crops, site = tiny_crops(), Site.parse(SITE)
    rows, length = crops.tokens.shape
    x = capture(model, crops.tokens, [site])[site]
    out = left_out(x, torch.arange(length).expand(rows, length), median_norm(x[:32]))
    documents = torch.from_numpy(np.repeat(crops.documents, length))
    sums = reconstruction_quality(
        loaded.dictionary, [(x.flatten(0, 1), out.flatten(), documents)]
    ).sums
    for name, statistic, figure in (
        ("explained", lambda kept: 1 - sums.unexplained(kept), quality.variance_explained),
        ("l0", sums.l0, quality.l0),
    ):
        generator = numpy_generator(7, f"quality/{name}")
        groups = assign_groups(sums.documents, 32, generator)
        without = [statistic(groups != group) for group in range(32)]
        interval = jackknife_interval(without, statistic(None))
        assert figure.value == pytest.approx(statistic(None), rel=1e-6)
        assert figure.ci == pytest.approx(tuple(map(float, interval)), rel=1e-5)


def test_no_record_of_recovery_where_ablation_costs_nothing(quality):
    spliced = quality.cross_entropy.model_copy(update={"recovered": None})
    records = quality_evidence(quality.model_copy(update={"cross_entropy": spliced}), {})
    assert "cross-entropy recovered" not in {record.metric for record in records}


def test_decoded_contexts_hold_the_text_around_each_peak(contexts, collected, model):
    crops = tiny_crops()
    shown = 0
    for feature, found in enumerate(contexts.features):
        peak = float(collected.activations[feature, :, collected.before].max())
        for rank, context in enumerate(found.contexts):
            row, position = collected.rows[feature, rank], collected.positions[feature, rank]
            first = max(0, position - collected.before)
            tokens = crops.tokens[row, first : first + len(context.tokens)].tolist()
            texts = [contexts.strings[i] for i in context.tokens]
            assert "".join(texts) == model.tokenizer.decode(tokens)
            value = float(collected.activations[feature, rank, collected.before])
            assert context.activation == round(value, 3)
            level, own = context.levels[position - first], str(int(np.ceil(9 * value / peak)))
            # A token that completes a character has the largest level of the character's tokens.
            assert level == own or (level > own and texts[position - first - 1] == "")
            assert contexts.strings[context.document] == f"made/{crops.documents[row]}"
            assert context.start == crops.starts[row]
            assert first > 0 or context.levels[0] == "0"
            shown += 1
        assert len(found.promoted) == 8
    assert shown > 100


def test_decoded_contexts_are_written_and_read_back_whole(contexts, tmp_path):
    contexts.write(tmp_path)
    assert DecodedContexts.read(tmp_path) == contexts


def test_features_of_heads_promote_no_tokens(loaded, collected):
    contexts = decode_contexts(
        tiny_model(), "q.1", loaded.dictionary, collected, crops=tiny_crops()
    )
    assert all(feature.promoted == () for feature in contexts.features)
    # Without a tokenizer, tokens are written as their ids.
    first = contexts.features[0].contexts[0]
    assert all(contexts.strings[token].isdigit() for token in first.tokens)


def test_contexts_of_a_whole_dictionary_stay_small_and_are_read_quickly(tmp_path):
    """4 608 features with 6 contexts of 20 tokens: below 10 MB, and read in about half a second."""
    generator = np.random.default_rng(0)
    strings = tuple(f"token {i}" for i in range(20_000))
    features = tuple(
        FeatureContexts(
            contexts=tuple(
                DecodedContext(
                    tokens=tuple(generator.integers(0, 20_000, 20).tolist()),
                    levels="0" * 20,
                    position=100,
                    activation=12.345,
                    document=17,
                    start=4321,
                )
                for _ in range(6)
            ),
            promoted=tuple((i, 1.25) for i in range(8)),
        )
        for _ in range(4608)
    )
    path = DecodedContexts(strings=strings, features=features).write(tmp_path)
    assert path.stat().st_size < 10e6
    begun = time.perf_counter()
    DecodedContexts.read(path)
    # About half a second here; the bound leaves room for a busy machine.
    assert time.perf_counter() - begun < 10


@pytest.mark.parametrize("result", [QualityResult, DecodedContexts])
def test_the_published_schema_is_the_models(result):
    name = result.FILE.replace(".json", ".schema.json")
    published = json.loads((SCHEMAS / name).read_text())
    assert published == result.schema_of_file(), f"write {name} again from {result.__name__}"


def test_results_are_read_without_torch():
    code = (
        "import sys; from assay.dictionaries.quality_records import quality_evidence; "
        "from assay.dictionaries import DecodedContexts, QualityResult, TrainingConfig; "
        "TrainingConfig(width=8, k=2, architecture='jumprelu'); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
