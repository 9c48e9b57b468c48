"""Folders that other libraries wrote are read to their own codes; Assay's own come back bit for bit."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from assay.dictionaries import (
    ARCHITECTURES,
    DictionaryMetadata,
    TrainingConfig,
    load_dictionary,
    save_dictionary,
    train,
)
from assay.errors import AssayError

GOLDEN = Path(__file__).parent / "golden"
CASES = {
    "saelens_standard": "relu_l1",
    "saelens_standard_plain_input": "relu_l1",
    "saelens_topk": "topk",
    "saelens_topk_rescaled": "topk",
    "saelens_jumprelu": "jumprelu",
    "saelens_head_z": "relu_l1",
    "saelens_batchtopk": "jumprelu",
    "saelens_batchtopk_checkpoint": "batch_topk",
    "saelens_matryoshka": "jumprelu",
    "saelens_matryoshka_checkpoint": "matryoshka",
    "sparsify_topk/layers.3": "topk",
    "sparsify_expansion/layers.1.mlp": "topk",
    "dictionary_learning_standard/trainer_0": "relu_l1",
    "dictionary_learning_april/trainer_0": "relu_l1",
    "dictionary_learning_topk/trainer_0": "topk",
    "dictionary_learning_batch_topk/trainer_0": "batch_topk",
    "dictionary_learning_matryoshka/trainer_0": "matryoshka",
    "dictionary_learning_jumprelu/trainer_0": "jumprelu",
}


@pytest.mark.parametrize(("folder", "architecture"), CASES.items())
def test_golden_folder_gives_its_librarys_own_codes(folder, architecture):
    loaded = load_dictionary(GOLDEN / folder)
    expected = load_file(GOLDEN / folder / "expected.safetensors")
    dictionary = loaded.dictionary
    assert dictionary.architecture == architecture
    assert loaded.metadata.source == folder.split("_")[0].replace(
        "dictionary", "dictionary_learning"
    )
    codes = dictionary.encode(expected["x"])
    assert torch.equal(codes.dense() > 0, expected["codes"] > 0)
    torch.testing.assert_close(codes.dense(), expected["codes"], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(
        dictionary.decode(codes), expected["reconstruction"], rtol=1e-5, atol=1e-5
    )


def test_every_golden_folder_is_tested():
    assert {str(path.parent.relative_to(GOLDEN)) for path in GOLDEN.rglob("expected.*")} == set(
        CASES
    )


@pytest.mark.parametrize(
    ("folder", "model", "site"),
    [
        ("saelens_standard", "tiny", "resid_post.3"),
        ("saelens_head_z", "tiny", "z.2"),
        ("sparsify_topk/layers.3", None, "resid_post.3"),
        ("sparsify_expansion/layers.1.mlp", None, "mlp_out.1"),
        ("dictionary_learning_topk/trainer_0", "tiny", "resid_post.3"),
    ],
)
def test_model_and_site_of_other_libraries_are_read(folder, model, site):
    metadata = load_dictionary(GOLDEN / folder).metadata
    assert (metadata.model, metadata.site) == (model, site)


def test_matryoshka_prefixes_of_other_libraries_are_read():
    theirs = load_dictionary(GOLDEN / "saelens_matryoshka_checkpoint").dictionary
    assert theirs.prefixes == (12, 24, 48)
    theirs = load_dictionary(GOLDEN / "dictionary_learning_matryoshka/trainer_0").dictionary
    assert theirs.prefixes == (12, 24, 48)


def trained(architecture):
    generator = torch.Generator().manual_seed(0)
    batches = [torch.randn(128, 16, generator=generator) + 0.3 for _ in range(20)]
    config = TrainingConfig(width=48, k=4, architecture=architecture)
    return train(batches, config), batches[0]


ALL = ["topk", "batch_topk", "jumprelu", "matryoshka", "relu_l1"]


@pytest.mark.parametrize("architecture", ALL)
def test_saved_dictionary_reloads_to_bit_identical_codes(tmp_path, architecture):
    dictionary, x = trained(architecture)
    metadata = DictionaryMetadata(
        model="tiny",
        site="resid_post.3",
        first_token=1,
        tokens_left_out="position 0",
        hashes={"model": "ab" * 32},
    )
    save_dictionary(dictionary, tmp_path / "saved", metadata)
    loaded = load_dictionary(tmp_path / "saved")
    before, after = dictionary.encode(x), loaded.dictionary.encode(x)
    assert type(loaded.dictionary) is type(dictionary)
    assert loaded.dictionary.options == dictionary.options
    for name in ("features", "values", "offsets"):
        assert torch.equal(getattr(before, name), getattr(after, name)), name
    assert torch.equal(loaded.dictionary.decode(after), dictionary.decode(before))
    assert loaded.metadata.model == "tiny"
    assert loaded.metadata.first_token == 1
    assert loaded.metadata.tokens_left_out == "position 0"
    assert loaded.metadata.hashes["model"] == "ab" * 32
    assert loaded.metadata.training == dictionary.training_figures
    assert loaded.dictionary.training_figures == dictionary.training_figures


@pytest.mark.parametrize("architecture", ALL)
def test_saved_folder_reads_the_same_as_a_saelens_folder(tmp_path, architecture):
    """What SAELens would see: the same codes, without assay.json."""
    dictionary, x = trained(architecture)
    save_dictionary(dictionary, tmp_path / "saved", DictionaryMetadata(site="q.3.h2"))
    (tmp_path / "saved" / "assay.json").unlink()
    loaded = load_dictionary(tmp_path / "saved")
    assert loaded.metadata.source == "saelens"
    assert loaded.metadata.site == "q.3.h2"
    assert torch.equal(loaded.dictionary.encode(x).dense(), dictionary.encode(x).dense())


def test_saving_twice_writes_the_same_bytes(tmp_path):
    dictionary, _ = trained("batch_topk")
    for name in ("one", "two"):
        save_dictionary(dictionary, tmp_path / name)
    for file in ("cfg.json", "assay.json", "sae_weights.safetensors"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


@pytest.fixture
def saved(tmp_path):
    save_dictionary(trained("batch_topk")[0], tmp_path / "saved")
    return tmp_path / "saved"


def test_truncated_weights_are_refused(saved):
    path = saved / "sae_weights.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(AssayError, match="truncated or changed"):
        load_dictionary(saved)


def test_changed_weights_are_refused(saved):
    path = saved / "sae_weights.safetensors"
    tensors = load_file(path)
    tensors["b_dec"][0] += 1
    save_file(tensors, path)
    with pytest.raises(AssayError, match="truncated or changed: its sha256 is"):
        load_dictionary(saved)


def test_missing_weights_are_refused(saved):
    (saved / "sae_weights.safetensors").unlink()
    with pytest.raises(AssayError, match="does not exist"):
        load_dictionary(saved)


def copied(tmp_path, case, **changes):
    folder = tmp_path / "copy"
    shutil.copytree(GOLDEN / case, folder)
    path = next(iter(folder.glob("c*.json")))
    settings = json.loads(path.read_text())
    settings.get("trainer", settings).update(changes)
    path.write_text(json.dumps(settings))
    return folder


@pytest.mark.parametrize(
    ("case", "changes", "message"),
    [
        ("saelens_standard", {"normalize_activations": "layer_norm"}, "cannot be folded"),
        (
            "saelens_standard",
            {"normalize_activations": "expected_average_only_in"},
            "fold it into the weights",
        ),
        ("saelens_standard", {"architecture": "gated"}, "gate and magnitude differ"),
        ("saelens_standard", {"architecture": "transcoder"}, "another site's activations"),
        ("saelens_standard", {"d_sae": 47}, r"shape \[16, 48\]; expected \[16, 47\]"),
        ("sparsify_topk/layers.3", {"transcode": True}, "another site's activations"),
        ("sparsify_topk/layers.3", {"skip_connection": True}, "skip connection"),
        ("sparsify_topk/layers.3", {"activation": "groupmax"}, "only topk is"),
        ("sparsify_topk/layers.3", {"signed": True}, "signed codes"),
        (
            "saelens_standard",
            {"model_from_pretrained_kwargs": {"center_writing_weights": True}},
            "'center_writing_weights: True'.*takes the mean off",
        ),
        (
            "saelens_standard",
            {"metadata": {"model_from_pretrained_kwargs": {"shuffle_heads": 3}}},
            "'shuffle_heads: 3'.*not known",
        ),
        (
            "dictionary_learning_topk/trainer_0",
            {"dict_class": "GatedAutoEncoder"},
            "read are AutoEncoder, ",
        ),
    ],
)
def test_options_that_cannot_be_honoured_are_refused_with_a_reason(
    tmp_path, case, changes, message
):
    with pytest.raises(AssayError, match=message):
        load_dictionary(copied(tmp_path, case, **changes))


def test_processing_that_leaves_activations_as_they_are_is_read(tmp_path):
    harmless = {"center_writing_weights": False, "fold_ln": True, "torch_dtype": "bfloat16"}
    folder = copied(tmp_path, "saelens_standard", model_from_pretrained_kwargs=harmless)
    assert load_dictionary(folder).dictionary.width == 48


def test_a_feature_with_a_decoder_row_of_norm_zero_never_fires_and_is_saved_and_read(tmp_path):
    folder = copied(tmp_path, "saelens_topk_rescaled")
    path = folder / "sae_weights.safetensors"
    tensors = load_file(path)
    whole = load_dictionary(folder).dictionary
    tensors["W_dec"][5] = 0.0
    save_file(tensors, path)
    dictionary = load_dictionary(folder).dictionary
    assert all(bool(tensor.isfinite().all()) for tensor in dictionary.state_dict().values())
    x = torch.randn(200, 16, generator=torch.Generator().manual_seed(0))
    dense = dictionary.encode(x).dense()
    assert float(dense[:, 5].abs().max()) == 0.0
    assert float(whole.encode(x).dense()[:, 5].max()) > 0.0
    save_dictionary(dictionary, tmp_path / "saved")
    again = load_dictionary(tmp_path / "saved").dictionary
    assert torch.equal(again.encode(x).dense(), dense)


def test_old_saelens_settings_are_understood(tmp_path):
    folder = copied(
        tmp_path,
        "saelens_topk",
        architecture="standard",
        activation_fn_str="topk",
        activation_fn_kwargs={"k": 4},
        metadata=None,
        hook_point="blocks.7.hook_mlp_out",
        model_name="old",
    )
    loaded = load_dictionary(folder)
    assert loaded.dictionary.architecture == "topk"
    assert (loaded.metadata.model, loaded.metadata.site) == ("old", "mlp_out.7")


def test_truncated_safetensors_of_another_library_is_refused(tmp_path):
    folder = copied(tmp_path, "saelens_standard")
    path = folder / "sae_weights.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(AssayError, match="truncated or damaged"):
        load_dictionary(folder)


class Payload:
    """A pickle that would run code when opened."""

    def __reduce__(self):
        return (Path.touch, (Path("opened-by-pickle"),))


def test_pickle_with_code_is_not_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = copied(tmp_path, "dictionary_learning_topk/trainer_0")
    torch.save({"encoder.weight": Payload()}, folder / "ae.pt")
    with pytest.raises(AssayError, match="more than tensors, which is not opened"):
        load_dictionary(folder)
    assert not (tmp_path / "opened-by-pickle").exists()


def test_truncated_pickle_is_refused(tmp_path):
    folder = copied(tmp_path, "dictionary_learning_topk/trainer_0")
    path = folder / "ae.pt"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(AssayError, match="damaged"):
        load_dictionary(folder)


def test_weights_that_are_not_finite_are_refused(tmp_path):
    folder = copied(tmp_path, "saelens_standard")
    tensors = load_file(folder / "sae_weights.safetensors")
    tensors["b_enc"][3] = float("nan")
    save_file(tensors, folder / "sae_weights.safetensors")
    with pytest.raises(AssayError, match="'b_enc' holds NaN"):
        load_dictionary(folder)


def test_folder_without_a_dictionary_names_those_below_it_or_what_was_expected(tmp_path):
    with pytest.raises(AssayError, match=r"holds several dictionaries; name one of layers\.3"):
        load_dictionary(GOLDEN / "sparsify_topk")
    with pytest.raises(AssayError, match="expected assay: assay.json; saelens: cfg.json and"):
        load_dictionary(tmp_path)
    with pytest.raises(AssayError, match="is not a folder"):
        load_dictionary(tmp_path / "absent")


def test_unknown_architecture_names_the_nearest():
    with pytest.raises(AssayError, match="did you mean 'jumprelu'"):
        ARCHITECTURES["jump_relu"]
