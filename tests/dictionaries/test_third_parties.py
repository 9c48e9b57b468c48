"""An architecture and a format of a third party work like Assay's own once they are registered."""

from typing import ClassVar

import pytest
import torch
from safetensors.torch import load_file, save_file

from assay.dictionaries import (
    ARCHITECTURES,
    FORMATS,
    BatchTopK,
    DictionaryMetadata,
    FolderFormat,
    LoadedDictionary,
    ReluL1,
    ThresholdDictionary,
    TrainingConfig,
    load_dictionary,
    save_dictionary,
    train,
)
from assay.errors import AssayError


class ShiftedRelu(ThresholdDictionary):
    """z = u · H(u − shift), with one shift for all features, learned by no gradient."""

    architecture: ClassVar[str] = "shifted_relu"

    def __init__(self, d_in, width, shift=0.5):
        super().__init__(d_in, width)
        self.register_buffer("shift", torch.full((1,), shift))

    @property
    def thresholds(self):
        return self.shift.expand(self.width)

    def training_entries(self, selector, config):
        return selector.above(self.thresholds)


@pytest.fixture
def shifted_relu(monkeypatch):
    monkeypatch.setattr(ARCHITECTURES, "_values", dict(ARCHITECTURES._values))
    return ARCHITECTURES.register("shifted_relu", ShiftedRelu)


def batches(count=12):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(64, 16, generator=generator) for _ in range(count)]


def test_a_registered_architecture_is_trained_saved_and_loaded(shifted_relu, tmp_path):
    dictionary = train(batches(), TrainingConfig(width=48, k=4, architecture="shifted_relu"))
    assert isinstance(dictionary, shifted_relu)
    assert dictionary.training_figures["fraction_of_variance_unexplained"] < 1
    dictionary.shift.fill_(0.7)
    save_dictionary(dictionary, tmp_path / "saved", DictionaryMetadata(site="resid_post.3"))
    loaded = load_dictionary(tmp_path / "saved").dictionary
    assert isinstance(loaded, shifted_relu)
    assert float(loaded.shift) == pytest.approx(0.7)
    before, after = dictionary.encode(batches()[0]), loaded.encode(batches()[0])
    assert torch.equal(before.dense(), after.dense())


def test_an_interrupted_run_of_a_registered_architecture_resumes(shifted_relu, tmp_path):
    config = TrainingConfig(width=48, k=4, architecture="shifted_relu", steps=8)
    whole = train(batches(8), config)
    kept = {"checkpoint": tmp_path / "run", "checkpoint_interval": 3}
    train(batches(8), config, **kept)
    resumed = train(batches(8), config, **kept)
    assert torch.equal(resumed.W_dec, whole.W_dec)


def test_an_unregistered_architecture_is_refused_by_name_when_its_folder_is_read(tmp_path):
    save_dictionary(ShiftedRelu(8, 16), tmp_path / "saved")
    with pytest.raises(AssayError, match="unknown architecture 'shifted_relu'"):
        load_dictionary(tmp_path / "saved")


def test_the_names_of_own_architectures_cannot_be_taken():
    with pytest.raises(AssayError, match="'batch_topk' is already registered"):
        ARCHITECTURES.register("batch_topk", BatchTopK)


def read_transposed(folder):
    tensors = load_file(folder / "transposed.safetensors")
    dictionary = ReluL1(*tensors["encoder"].shape)
    dictionary.W_enc.data.copy_(tensors["encoder"].T)
    dictionary.W_dec.data.copy_(tensors["encoder"].T)
    return LoadedDictionary(dictionary, DictionaryMetadata(source="transposed"))


def test_a_registered_format_is_recognised_and_read(monkeypatch, tmp_path):
    monkeypatch.setattr(FORMATS, "_values", dict(FORMATS._values))
    folder, empty = tmp_path / "theirs", tmp_path / "empty"
    folder.mkdir()
    empty.mkdir()
    save_file({"encoder": torch.eye(6, 9)}, folder / "transposed.safetensors")
    with pytest.raises(AssayError, match="holds no dictionary that can be read"):
        load_dictionary(folder)
    FORMATS.register("transposed", FolderFormat(("transposed.safetensors",), read_transposed))
    loaded = load_dictionary(folder)
    assert loaded.metadata.source == "transposed"
    assert (loaded.dictionary.d_in, loaded.dictionary.width) == (6, 9)
    with pytest.raises(AssayError, match=r"expected assay: .*; transposed: transposed.safetensors"):
        load_dictionary(empty)
