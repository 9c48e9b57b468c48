"""dictionary_learning folders: ``trainer_i/config.json`` and ``ae.pt``."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from assay.dictionaries.batch_topk import BatchTopK
from assay.dictionaries.dictionary import Dictionary
from assay.dictionaries.formats.folder_format import FolderFormat
from assay.dictionaries.formats.metadata import DictionaryMetadata, LoadedDictionary
from assay.dictionaries.formats.weights import (
    Weights,
    bias_of_plain_input,
    fill,
    read_settings,
    refuse,
    setting,
)
from assay.dictionaries.jumprelu import JumpReLU
from assay.dictionaries.matryoshka import Matryoshka
from assay.dictionaries.relu_l1 import ReluL1
from assay.dictionaries.topk import TopK
from assay.errors import AssayError
from assay.files import sha256_of

SETTINGS = "config.json"
WEIGHTS = "ae.pt"


def read_dictionary_learning(folder: Path) -> LoadedDictionary:
    """Read a dictionary_learning dictionary; the pickle is read with ``weights_only=True``.

    Raises AssayError, with the reason, for gated dictionaries and pickles that hold anything but
    tensors.
    """
    path = folder / SETTINGS
    config = setting(read_settings(path), "trainer", path)
    kind = setting(config, "dict_class", path)
    if kind not in _READERS:
        raise refuse(path, f"dict_class '{kind}'", f"read are {', '.join(sorted(_READERS))}")
    weights = Weights(_unpickled(folder / WEIGHTS), folder / WEIGHTS)
    layer = config.get("layer")
    metadata = DictionaryMetadata(
        source="dictionary_learning",
        model=config.get("lm_name"),
        site=config.get("submodule_name")
        or (None if layer in (None, -1) else f"resid_post.{layer}"),
        hashes={"weights": sha256_of(folder / WEIGHTS)},
    )
    return LoadedDictionary(_READERS[kind](weights), metadata)


def _unpickled(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise AssayError(f"{path} does not exist")
    try:
        value = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise AssayError(
            f"{path} is damaged or is a pickle that holds more than tensors, which is not opened: "
            f"{first}"
        ) from error
    if not isinstance(value, dict) or not all(
        isinstance(part, torch.Tensor) for part in value.values()
    ):
        raise AssayError(f"{path} does not hold a table of tensors, as a state dict does")
    return value


def _linear_layers(weights: Weights, bias: str) -> dict[str, torch.Tensor]:
    W_enc = weights.take("encoder.weight", None, None)
    width, d_in = W_enc.shape
    return {
        "W_enc": W_enc,
        "b_enc": weights.take("encoder.bias", width),
        "W_dec": weights.take("decoder.weight", d_in, width).T,
        "b_dec": weights.take(bias, d_in),
    }


def _matrices(weights: Weights) -> dict[str, torch.Tensor]:
    W_enc = weights.take("W_enc", None, None).T.contiguous()
    width, d_in = W_enc.shape
    return {
        "W_enc": W_enc,
        "b_enc": weights.take("b_enc", width),
        "W_dec": weights.take("W_dec", width, d_in),
        "b_dec": weights.take("b_dec", d_in),
    }


def _sizes(tensors: dict[str, torch.Tensor]) -> dict[str, int]:
    width, d_in = tensors["W_enc"].shape
    return {"d_in": d_in, "width": width}


def _relu(weights: Weights) -> Dictionary:
    # AutoEncoder subtracts its one bias from the input; AutoEncoderNew has a bias of its own in each
    # layer and subtracts nothing.
    if "bias" in weights.tensors:
        tensors = _linear_layers(weights, "bias")
    else:
        tensors = _linear_layers(weights, "decoder.bias")
        tensors["b_enc"] = bias_of_plain_input(tensors["W_enc"], tensors["b_enc"], tensors["b_dec"])
    return fill(ReluL1(**_sizes(tensors)), **tensors)


def _topk(weights: Weights) -> Dictionary:
    tensors = _linear_layers(weights, "b_dec")
    return fill(TopK(**_sizes(tensors), k=_k(weights)), **tensors)


def _batch_topk(weights: Weights) -> Dictionary:
    tensors = _linear_layers(weights, "b_dec")
    dictionary = BatchTopK(**_sizes(tensors), k=_k(weights))
    return fill(dictionary, threshold=_threshold(weights), **tensors)


def _matryoshka(weights: Weights) -> Dictionary:
    tensors = _matrices(weights)
    prefixes = weights.take("group_sizes", None).long().cumsum(0).tolist()
    dictionary = Matryoshka(**_sizes(tensors), k=_k(weights), prefixes=prefixes)
    return fill(dictionary, threshold=_threshold(weights), **tensors)


def _jumprelu(weights: Weights) -> Dictionary:
    tensors = _matrices(weights)
    # This class alone does not subtract b_dec from its input.
    tensors["b_enc"] = bias_of_plain_input(tensors["W_enc"], tensors["b_enc"], tensors["b_dec"])
    threshold = weights.take("threshold", len(tensors["b_enc"])).clamp(min=0)
    return fill(JumpReLU(**_sizes(tensors)), threshold=threshold, **tensors)


def _k(weights: Weights) -> int:
    return int(weights.take("k"))


def _threshold(weights: Weights) -> torch.Tensor:
    # −1 until it has been estimated; codes are ReLU'd, so that it then acts as 0.
    return weights.take("threshold").clamp(min=0)


_READERS: dict[str, Callable[[Weights], Dictionary]] = {
    "AutoEncoder": _relu,
    "AutoEncoderNew": _relu,
    "AutoEncoderTopK": _topk,
    "BatchTopKSAE": _batch_topk,
    "JumpReluAutoEncoder": _jumprelu,
    "MatryoshkaBatchTopKSAE": _matryoshka,
}


DICTIONARY_LEARNING = FolderFormat(files=(SETTINGS, WEIGHTS), read=read_dictionary_learning)
"""dictionary_learning's folders."""
